// The value is printed while its lock is held, and its String method, which fmt
// calls, takes the lock again.
//
// class: resource, double lock, through fmt
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"
)

type meter struct {
	mu    sync.Mutex
	count int
}

func (m *meter) String() string {
	m.mu.Lock() // want deadlock
	defer m.mu.Unlock()
	return strconv.Itoa(m.count)
}

func (m *meter) hit() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count++
	if m.count%4 == 0 {
		fmt.Fprintf(io.Discard, "reached %v\n", m)
	}
}

func main() {
	m := new(meter)
	go func() {
		for i := 0; i < 10; i++ {
			m.hit()
			time.Sleep(10 * time.Millisecond)
		}
	}()
	go gauges()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
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
