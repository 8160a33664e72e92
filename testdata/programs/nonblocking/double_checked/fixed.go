// The pointer is atomic.
//
// class: nonblocking, data race, double-checked locking
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type profile struct{ name string }

type loader struct {
	mu      sync.Mutex
	current atomic.Pointer[profile]
}

func (l *loader) get() *profile {
	if have := l.current.Load(); have != nil {
		return have
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current.Load() == nil {
		l.current.Store(&profile{name: "default"})
	}
	return l.current.Load()
}

func main() {
	l := new(loader)
	for i := 0; i < 3; i++ {
		go func(i int) {
			time.Sleep(time.Duration(i) * 15 * time.Millisecond)
			fmt.Println(l.get().name)
		}(i)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
