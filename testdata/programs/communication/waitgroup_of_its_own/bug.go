// Each step has a group of its own, so its Done never reaches the one that is
// waited for.
//
// class: communication, WaitGroup, the wrong one
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

type step struct {
	name  string
	group sync.WaitGroup
}

func (s *step) run() {
	defer s.group.Done()
	fmt.Fprintln(io.Discard, s.name)
}

func rollout(names ...string) {
	var group sync.WaitGroup
	group.Add(len(names))
	for _, name := range names {
		one := step{name: name}
		one.group.Add(1)
		go one.run()
	}
	group.Wait() // want goroutine_leak
	fmt.Println("rolled out")
}

func main() {
	go rollout("drain", "replace", "warm up")
	go janitor(make(chan struct{}, 1))
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
