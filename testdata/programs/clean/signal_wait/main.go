// A daemon that has nothing to do but wait for signals: one goroutine for
// reloads, one for the end, a WaitGroup for both.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type daemon struct {
	reloads int
	group   sync.WaitGroup
}

func (d *daemon) onReload(quit <-chan struct{}) {
	defer d.group.Done()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			d.reloads++
		case <-quit:
			return
		}
	}
}

func (d *daemon) onEnd(quit chan<- struct{}) {
	defer d.group.Done()
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	fmt.Println("ending by", <-end)
	close(quit)
}

func main() {
	d := new(daemon)
	quit := make(chan struct{})
	d.group.Add(2)
	go d.onReload(quit)
	go d.onEnd(quit)
	d.group.Wait()
}
