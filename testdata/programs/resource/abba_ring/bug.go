// Twelve shards stand in a ring; each rebalancing locks its shard and then its
// neighbour, and all begin at once.
//
// class: resource, AB-BA, ring of a slice of locks
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

type shard struct {
	mu   sync.RWMutex
	keys int
}

type ring []shard

func (r ring) rebalance(at int, locked *sync.WaitGroup) {
	one, other := &r[at], &r[(at+1)%len(r)]
	one.mu.Lock()
	defer one.mu.Unlock()
	locked.Done()
	locked.Wait()
	other.mu.Lock() // want deadlock 12
	defer other.mu.Unlock()
	one.keys, other.keys = (one.keys+other.keys)/2, (one.keys+other.keys+1)/2
}

func main() {
	shards := make(ring, 12)
	var locked sync.WaitGroup
	locked.Add(len(shards))
	for at := range shards {
		go shards.rebalance(at, &locked)
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
