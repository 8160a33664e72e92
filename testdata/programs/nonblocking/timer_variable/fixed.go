// The assignment and the use are under a lock.
//
// class: nonblocking, order violation, time.AfterFunc
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type poller struct {
	mu    sync.Mutex
	timer *time.Timer
	polls int
}

func (p *poller) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(10*time.Millisecond, p.poll)
}

func (p *poller) poll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.polls++
	if p.polls < 3 {
		p.timer.Reset(10 * time.Millisecond)
	}
}

func main() {
	new(poller).start()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
