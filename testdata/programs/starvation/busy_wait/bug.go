// Forty clients spin until the leader is elected, and the election, which is
// made of many small steps, goes on only when each of them has had its time
// slice.
//
// class: starvation, busy waiting
package main

import (
	"os"
	"os/signal"
	"runtime"
	"sync/atomic"
	"syscall"
)

type cluster struct {
	leader  atomic.Int32
	elected chan struct{}
}

func (c *cluster) follow() { // may starvation
	for c.leader.Load() == 0 { // may starvation
	}
}

func (c *cluster) elect(steps int) {
	for step := 0; step < steps; step++ {
		runtime.Gosched() // want starvation
	}
	c.leader.Store(7)
	close(c.elected)
}

func main() {
	runtime.GOMAXPROCS(2)
	c := &cluster{elected: make(chan struct{})}
	for i := 0; i < 40; i++ {
		go c.follow() // may starvation
	}
	go c.elect(1000)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM) // may
	<-stop                                             // may
}
