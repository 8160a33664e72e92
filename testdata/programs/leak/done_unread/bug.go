// The upload reports its end to a caller that has left on another way: the
// error of the check came first.
//
// class: leak, abandoned request, error channel
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

type bucket struct {
	name   string
	stored atomic.Int64
}

func (b *bucket) upload(bytes int64, done chan error) {
	time.Sleep(10 * time.Millisecond)
	b.stored.Add(bytes)
	done <- nil // want goroutine_leak 3
}

func (b *bucket) put(bytes int64) error {
	done := make(chan error)
	go b.upload(bytes, done)
	if bytes > 1000 {
		return errors.New(b.name + ": too large")
	}
	return <-done
}

func main() {
	b := &bucket{name: "photos"}
	for _, bytes := range []int64{10, 5000, 20, 7000, 9000} {
		fmt.Println(b.put(bytes))
	}
	go uptime(time.Now())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
