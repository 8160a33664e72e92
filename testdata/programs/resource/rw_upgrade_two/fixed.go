// Who may write takes the write lock from the start.
//
// class: resource, RWMutex upgrade by two
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type document struct {
	lock sync.RWMutex
	text []string
}

func (d *document) edit(reading *sync.WaitGroup, line string) {
	reading.Done()
	d.lock.Lock()
	defer d.lock.Unlock()
	for _, have := range d.text {
		if have == line {
			return
		}
	}
	d.text = append(d.text, line)
}

func main() {
	draft := new(document)
	var reading sync.WaitGroup
	reading.Add(2)
	go draft.edit(&reading, "Dear all,")
	go draft.edit(&reading, "Kind regards")
	reading.Wait()
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
