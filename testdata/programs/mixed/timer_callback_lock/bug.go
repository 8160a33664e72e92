// Stop holds the lock while it waits for the callback of the timer, and the
// callback takes the lock.
//
// class: mixed, timer callback and lock
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

type lease struct {
	mu      sync.Mutex
	renewed int
	done    chan struct{}
}

func (l *lease) renew() {
	l.mu.Lock() // want deadlock
	l.renewed++
	l.mu.Unlock()
	close(l.done)
}

func (l *lease) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Println("renewed", l.renewed)
	<-l.done // want deadlock
}

func main() {
	l := &lease{done: make(chan struct{})}
	time.AfterFunc(30*time.Millisecond, l.renew)
	go l.stop()
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
