// Forty clerks stamp for 40 ms each under one lock: each waits for all the
// others, again and again.
//
// class: starvation, lock convoy
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

type register struct {
	sync.Mutex
	stamped map[int]int
}

func (r *register) stamp(clerk int) {
	r.Lock() // want long_block 35+
	defer r.Unlock()
	time.Sleep(40 * time.Millisecond)
	r.stamped[clerk]++
}

func main() {
	r := &register{stamped: make(map[int]int)}
	for clerk := 0; clerk < 40; clerk++ {
		go func(clerk int) {
			for {
				r.stamp(clerk)
			}
		}(clerk)
	}
	go janitor(make(chan struct{}, 1))
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}

// Sweeps when there is something to sweep, and at the latest after a while.
func janitor(dirty chan struct{}) {
	sweeps := 0
	for {
		select {
		case <-dirty:
			sweeps++
		case <-time.After(40 * time.Millisecond):
			dirty <- struct{}{}
		}
	}
}
