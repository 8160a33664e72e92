// Both ends close the link. The second panics while it holds the lock; the
// panic is recovered, the lock is not, and the statistics wait for it.
//
// class: nonblocking, double close
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

type link struct {
	mu     sync.Mutex
	once   sync.Once
	closed chan struct{}
	closes int
}

func (l *link) Close() {
	defer func() { _ = recover() }()
	l.mu.Lock()
	l.closes++
	close(l.closed)
	l.mu.Unlock()
}

func (l *link) statistics() int {
	l.mu.Lock() // want goroutine_leak|deadlock 2
	defer l.mu.Unlock()
	return l.closes
}

func main() {
	l := &link{closed: make(chan struct{})}
	for end := 0; end < 2; end++ {
		go l.Close()
	}
	<-l.closed
	time.Sleep(30 * time.Millisecond)
	for i := 0; i < 2; i++ {
		go func() { fmt.Println(l.statistics()) }()
	}
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
