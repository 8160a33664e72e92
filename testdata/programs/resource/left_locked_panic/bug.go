// A panic that is recovered further up leaves the lock locked, since the unlock
// is not deferred.
//
// class: resource, lock left locked, panic
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

type counters struct {
	sync.Mutex
	hits map[string]int
}

func (c *counters) hit(page string) {
	c.Lock() // want goroutine_leak|deadlock 3
	if page == "" {
		panic("page without a name")
	}
	c.hits[page]++
	c.Unlock()
}

// serve answers one request and outlives what it panics with.
func serve(c *counters, page string) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Println("recovered:", problem)
		}
	}()
	c.hit(page)
}

func main() {
	c := &counters{hits: make(map[string]int)}
	for _, page := range []string{"/", "/about", "", "/", "/jobs", "/about"} {
		go serve(c, page)
		time.Sleep(15 * time.Millisecond)
	}
	go kitchen()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
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
