// An event bus without channels: listeners are called one after the other,
// outside of the lock, and may subscribe from a call.
package main

import (
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type event struct {
	kind string
	at   time.Time
}

type bus struct {
	mu        sync.Mutex
	listeners map[string][]func(event)
}

func (b *bus) on(kind string, call func(event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listeners[kind] = append(b.listeners[kind], call)
}

func (b *bus) emit(kind string) {
	b.mu.Lock()
	calls := append([]func(event){}, b.listeners[kind]...)
	b.mu.Unlock()
	for _, call := range calls {
		call(event{kind, time.Now()})
	}
}

func main() {
	b := &bus{listeners: make(map[string][]func(event))}
	var once sync.Once
	var seen atomic.Int64
	b.on("saved", func(event) {
		seen.Add(1)
		once.Do(func() { b.on("saved", func(event) { seen.Add(1) }) })
	})
	for i := 0; i < 4; i++ {
		go func() {
			for {
				b.emit("saved")
				time.Sleep(3 * time.Millisecond)
			}
		}()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
