// The last of the three wakes the others before it has made the change that
// they look for, and they go back to sleep.
//
// class: communication, Cond, signal before the change
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type latch struct {
	sync.Mutex
	cond  *sync.Cond
	count int
}

func (l *latch) arrive() {
	l.Lock()
	defer l.Unlock()
	if l.count == 1 {
		l.cond.Broadcast()
		l.Unlock()
		time.Sleep(50 * time.Millisecond)
		l.Lock()
		l.count--
		return
	}
	l.count--
	for l.count > 0 {
		l.cond.Wait() // want goroutine_leak 2
	}
}

func main() {
	l := &latch{count: 3}
	l.cond = sync.NewCond(l)
	for i := 0; i < 3; i++ {
		go l.arrive()
		time.Sleep(15 * time.Millisecond)
	}
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
