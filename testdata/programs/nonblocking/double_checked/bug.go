// The first look at the pointer is without the lock: it may see a pointer whose
// value is not written yet.
//
// class: nonblocking, data race, double-checked locking
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type profile struct{ name string }

type loader struct {
	mu      sync.Mutex
	current *profile
}

func (l *loader) get() *profile {
	if l.current != nil { // want data_race
		return l.current // may data_race
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.current == nil {
		l.current = &profile{name: "default"} // want data_race
	}
	return l.current
}

func main() {
	l := new(loader)
	for i := 0; i < 3; i++ {
		go func(i int) {
			time.Sleep(time.Duration(i) * 15 * time.Millisecond)
			fmt.Println(l.get().name) // may data_race
		}(i)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
