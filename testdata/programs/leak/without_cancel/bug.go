// The audit outlives its request on purpose, by context.WithoutCancel; but it
// also waits for that context to be over, and its Done is nil.
//
// class: leak, context.WithoutCancel
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type audit struct{ lines chan string }

func (a *audit) follow(ctx context.Context, user string) {
	ctx = context.WithoutCancel(ctx)
	go func() {
		a.lines <- user
		<-ctx.Done() // want goroutine_leak 4
	}()
}

func (a *audit) write() {
	for line := range a.lines {
		fmt.Fprintln(io.Discard, line)
	}
}

func main() {
	a := &audit{lines: make(chan string)}
	go a.write()
	for _, user := range []string{"ann", "ben", "cid", "dot"} {
		request, cancel := context.WithCancel(context.Background())
		a.follow(request, user)
		cancel()
	}
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
