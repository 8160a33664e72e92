// Stop waits without the lock.
//
// class: mixed, timer callback and lock
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

type lease struct {
	mu      sync.Mutex
	renewed int
	done    chan struct{}
}

func (l *lease) renew() {
	l.mu.Lock()
	l.renewed++
	l.mu.Unlock()
	close(l.done)
}

func (l *lease) stop() {
	l.mu.Lock()
	fmt.Println("renewed", l.renewed)
	l.mu.Unlock()
	<-l.done
}

func main() {
	l := &lease{done: make(chan struct{})}
	time.AfterFunc(30*time.Millisecond, l.renew)
	go l.stop()
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
