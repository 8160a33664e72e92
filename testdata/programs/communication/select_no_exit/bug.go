// The merger selects from two feeds until both are done, but the feeds just
// end: they neither close their channel nor say goodbye.
//
// class: communication, select without a way out
package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"
)

func feed(prefix string, n int, out chan<- string) {
	for i := 0; i < n; i++ {
		out <- fmt.Sprint(prefix, i)
	}
}

func merge(left, right <-chan string) {
	for {
		select { // want goroutine_leak
		case item := <-left:
			fmt.Fprintln(io.Discard, item)
		case item := <-right:
			fmt.Fprintln(io.Discard, item)
		}
	}
}

func main() {
	left, right := make(chan string), make(chan string)
	go feed("l", 20, left)
	go feed("r", 30, right)
	go merge(left, right)
	go leases(context.Background())
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}

// Leases that run out, each with somebody who waits for that.
func leases(parent context.Context) {
	for {
		lease, release := context.WithTimeout(parent, 60*time.Millisecond)
		go func() {
			defer release()
			<-lease.Done()
		}()
		time.Sleep(25 * time.Millisecond)
	}
}
