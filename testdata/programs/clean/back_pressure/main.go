// A bounded queue that is always full: the producer is held back by the
// consumers, item by item, and that is what the bound is for.
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"
)

type item struct {
	id   int
	made time.Time
}

func produce(out chan<- item) {
	for id := 0; ; id++ {
		out <- item{id, time.Now()}
	}
}

func consume(in <-chan item, stored *atomic.Int64) {
	for one := range in {
		time.Sleep(3 * time.Millisecond)
		stored.Add(int64(one.id))
	}
}

func main() {
	queue := make(chan item, 16)
	var stored atomic.Int64
	go produce(queue)
	go produce(queue)
	for i := 0; i < 2; i++ {
		go consume(queue, &stored)
	}
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}
