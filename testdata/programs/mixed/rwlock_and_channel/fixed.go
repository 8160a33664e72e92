// The reader gives its lock back before it waits.
//
// class: mixed, RWMutex and channel, circle of three
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type board struct {
	mu    sync.RWMutex
	posts []string
	fresh chan string
}

func (b *board) follow() {
	b.mu.RLock()
	seen := len(b.posts)
	b.mu.RUnlock()
	fmt.Println(seen, <-b.fresh)
}

func (b *board) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.posts = nil
}

func (b *board) announce(post string) {
	b.mu.RLock()
	n := len(b.posts)
	b.mu.RUnlock()
	b.fresh <- fmt.Sprint(n, ": ", post)
}

func main() {
	b := &board{posts: []string{"welcome"}, fresh: make(chan string)}
	go b.follow()
	time.Sleep(20 * time.Millisecond)
	go b.clear()
	time.Sleep(20 * time.Millisecond)
	go b.announce("lost: one umbrella")
	go janitor(make(chan struct{}, 1))
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
