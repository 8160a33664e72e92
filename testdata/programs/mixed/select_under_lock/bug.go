// Two caches tell each other of what they drop, each under its own lock, and
// each takes its lock before it listens.
//
// class: mixed, channels held under locks, crosswise
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

type node struct {
	mu      sync.Mutex
	keys    map[string]bool
	dropped chan string
	peer    *node
	quit    chan struct{}
}

func (n *node) drop(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	time.Sleep(60 * time.Millisecond)
	delete(n.keys, key)
	select { // want deadlock 2
	case n.peer.dropped <- key:
	case <-n.quit:
	}
}

func (n *node) listen() {
	for {
		n.mu.Lock() // want deadlock 2
		size := len(n.keys)
		n.mu.Unlock()
		select {
		case key := <-n.dropped:
			fmt.Println("told of", key, "have", size)
		case <-n.quit:
			return
		}
	}
}

func main() {
	quit := make(chan struct{})
	left := &node{keys: map[string]bool{"a": true}, dropped: make(chan string), quit: quit}
	right := &node{keys: map[string]bool{"b": true}, dropped: make(chan string), quit: quit, peer: left}
	left.peer = right
	go left.drop("a")
	go right.drop("b")
	time.Sleep(30 * time.Millisecond)
	go left.listen()
	go right.listen()
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	close(quit)
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
