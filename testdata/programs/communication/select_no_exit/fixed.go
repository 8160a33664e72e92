// Each feed closes its channel; the merger sets it to nil and leaves when both
// are.
//
// class: communication, select without a way out
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

func feed(prefix string, n int, out chan<- string) {
	defer close(out)
	for i := 0; i < n; i++ {
		out <- fmt.Sprint(prefix, i)
	}
}

func merge(left, right <-chan string) {
	for left != nil || right != nil {
		select {
		case item, ok := <-left:
			if !ok {
				left = nil
			}
			fmt.Fprintln(io.Discard, item)
		case item, ok := <-right:
			if !ok {
				right = nil
			}
			fmt.Fprintln(io.Discard, item)
		}
	}
}

func main() {
	left, right := make(chan string), make(chan string)
	go feed("l", 20, left)
	go feed("r", 30, right)
	go merge(left, right)
	go gauges()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}

type gauge struct {
	sync.RWMutex
	value int
}

func gauges() {
	level := new(gauge)
	for i := 0; i < 2; i++ {
		go func() {
			for {
				level.Lock()
				level.value++
				level.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	for range time.Tick(25 * time.Millisecond) {
		level.RLock()
		fmt.Fprintln(io.Discard, level.value)
		level.RUnlock()
	}
}
