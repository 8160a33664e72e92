// The query's send has a way out: the caller's context.
//
// class: leak, abandoned request
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

type rows []string

type warehouse struct{ delay time.Duration }

func (w *warehouse) query(ctx context.Context, id int) (rows, error) {
	result := make(chan rows)
	go func() {
		time.Sleep(w.delay)
		select {
		case result <- rows{fmt.Sprint("row ", id)}:
		case <-ctx.Done():
		}
	}()
	select {
	case found := <-result:
		return found, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func main() {
	w := &warehouse{delay: 50 * time.Millisecond}
	for id := 0; id < 12; id++ {
		limit := 5 * time.Millisecond
		if id%3 == 0 {
			limit = time.Second
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		_, err := w.query(ctx, id)
		cancel()
		fmt.Fprintln(io.Discard, err)
	}
	go mailer()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}

// The letters come now and then; in between the postmen are idle.
func mailer() {
	letters := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for letter := range letters {
				fmt.Fprintln(io.Discard, letter)
			}
		}()
	}
	for n := 0; ; n++ {
		letters <- fmt.Sprint("letter ", n)
		time.Sleep(15 * time.Millisecond)
	}
}
