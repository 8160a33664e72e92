// The eviction gives the disk's lock back before it takes the cache's.
//
// class: resource, lock order, RWMutex
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"
)

type layered struct {
	cache  sync.RWMutex
	disk   sync.Mutex
	blocks map[int]string
}

func (l *layered) read(block int) string {
	l.cache.Lock()
	defer l.cache.Unlock()
	if text, ok := l.blocks[block]; ok {
		return text
	}
	l.disk.Lock()
	defer l.disk.Unlock()
	l.blocks[block] = fmt.Sprint("block ", block)
	return l.blocks[block]
}

func (l *layered) evict(block int) {
	l.disk.Lock()
	fmt.Fprintln(io.Discard, "written", block)
	l.disk.Unlock()
	l.cache.Lock()
	defer l.cache.Unlock()
	delete(l.blocks, block)
}

func main() {
	l := &layered{blocks: make(map[int]string)}
	go day(l)
	go leases(context.Background())
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
}

// A day has hours of reading and hours of evicting.
func day(l *layered) {
	for hour := 0; ; hour++ {
		var finished sync.WaitGroup
		finished.Add(1)
		if hour%2 == 0 {
			l.disk.Lock()
			go func(hour int) { l.read(hour); finished.Done() }(hour)
			time.Sleep(20 * time.Millisecond)
			l.disk.Unlock()
		} else {
			l.cache.RLock()
			go func(hour int) { l.evict(hour - 1); finished.Done() }(hour)
			time.Sleep(20 * time.Millisecond)
			l.cache.RUnlock()
		}
		finished.Wait()
		time.Sleep(20 * time.Millisecond)
	}
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
