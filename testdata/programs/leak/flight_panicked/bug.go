// Several callers wait for one that computes; it panics, and its recovery
// forgets to release them.
//
// class: leak, singleflight-like, waiters forgotten
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type call struct {
	done  sync.WaitGroup
	value int
}

type flights struct {
	mu    sync.Mutex
	calls map[string]*call
}

func (f *flights) do(key string, compute func() int) int {
	f.mu.Lock()
	if have, ok := f.calls[key]; ok {
		f.mu.Unlock()
		have.done.Wait() // want goroutine_leak 4
		return have.value
	}
	mine := new(call)
	mine.done.Add(1)
	f.calls[key] = mine
	f.mu.Unlock()
	mine.value = compute()
	f.finish(key, mine)
	return mine.value
}

func (f *flights) finish(key string, mine *call) {
	f.mu.Lock()
	delete(f.calls, key)
	f.mu.Unlock()
	mine.done.Done()
}

func main() {
	f := &flights{calls: make(map[string]*call)}
	compute := func() int {
		time.Sleep(30 * time.Millisecond)
		panic("division by zero")
	}
	for i := 0; i < 5; i++ {
		go func() {
			defer func() { _ = recover() }()
			fmt.Println(f.do("tax", compute))
		}()
	}
	go leases(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
