// The cache's map is written by one and read by another goroutine, without a
// lock between them.
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
	r.names[name] = address // want data_race
}

func (r *resolver) lookup(name string) string {
	return r.names[name] // want data_race
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
