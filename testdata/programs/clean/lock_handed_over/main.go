// A mutex that one goroutine locks and another unlocks, as a relay's baton:
// allowed, and nobody waits for long.
package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

type relay struct {
	baton sync.Mutex
	laps  atomic.Int64
}

func (r *relay) run(start <-chan struct{}, next chan<- struct{}) {
	for range start {
		r.laps.Add(1)
		time.Sleep(2 * time.Millisecond)
		r.baton.Unlock()
		next <- struct{}{}
	}
}

func main() {
	r := new(relay)
	first, done := make(chan struct{}), make(chan struct{})
	go r.run(first, done)
	for {
		r.baton.Lock()
		first <- struct{}{}
		r.baton.Lock()
		fmt.Fprintln(io.Discard, r.laps.Load())
		r.baton.Unlock()
		<-done
	}
}
