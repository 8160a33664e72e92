// Each client gets a goroutine that hands out tokens; when the client is gone
// it waits with the next token in its hand.
//
// class: leak, producer without consumer, rate limiter
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type limiter struct {
	tokens chan time.Time
	gone   chan struct{}
}

func newLimiter(every time.Duration) *limiter {
	l := &limiter{tokens: make(chan time.Time), gone: make(chan struct{})}
	go l.refill(every)
	return l
}

func (l *limiter) refill(every time.Duration) {
	for {
		time.Sleep(every)
		l.tokens <- time.Now() // want goroutine_leak 6
	}
}

func client(requests int) {
	l := newLimiter(2 * time.Millisecond)
	for i := 0; i < requests; i++ {
		<-l.tokens
	}
}

func main() {
	for n := 1; n <= 6; n++ {
		go client(n)
	}
	go janitor(make(chan struct{}, 1))
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
