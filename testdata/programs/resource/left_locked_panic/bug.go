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
	go mailer()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
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
