// A lock guards the map.
//
// class: nonblocking, data race, map
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

type resolver struct {
	mu    sync.Mutex
	names map[string]string
}

func (r *resolver) learn(name, address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[name] = address
}

func (r *resolver) lookup(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.names[name]
}

func main() {
	r := &resolver{names: make(map[string]string)}
	go func() {
		for i := 0; i < 3; i++ {
			r.learn(fmt.Sprint("host", i), "192.0.2.1")
			time.Sleep(40 * time.Millisecond)
		}
	}()
	go func() {
		time.Sleep(20 * time.Millisecond)
		for i := 0; i < 3; i++ {
			fmt.Fprintln(io.Discard, r.lookup("host0"))
			time.Sleep(40 * time.Millisecond)
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
