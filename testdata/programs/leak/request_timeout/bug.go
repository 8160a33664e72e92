// The one who asks gives up after its deadline; the query goes on, and then
// nobody takes its result.
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
	"sync"
	"time"
)

type rows []string

type warehouse struct{ delay time.Duration }

func (w *warehouse) query(ctx context.Context, id int) (rows, error) {
	result := make(chan rows)
	go func() {
		time.Sleep(w.delay)
		result <- rows{fmt.Sprint("row ", id)} // want goroutine_leak 8
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
	go kitchen()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
