// The buffer gets a lock of its own.
//
// class: resource, double lock, one Locker in two layers
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

type buffer struct {
	lock  sync.Locker
	bytes []byte
}

func (b *buffer) next(n int) []byte {
	b.lock.Lock()
	defer b.lock.Unlock()
	if n > len(b.bytes) {
		n = len(b.bytes)
	}
	out := b.bytes[:n]
	b.bytes = b.bytes[n:]
	return out
}

type reader struct {
	lock  sync.Locker
	below *buffer
}

func (r *reader) readLine() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return string(r.below.next(5))
}

func open(text string) *reader {
	var lock sync.Mutex
	return &reader{lock: &lock, below: &buffer{lock: new(sync.Mutex), bytes: []byte(text)}}
}

func main() {
	lines := open("north\nsouth\n")
	go func() { fmt.Println(lines.readLine()) }()
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
