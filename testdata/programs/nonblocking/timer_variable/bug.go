// The timer's function uses the variable that the timer is only being assigned
// to.
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
	p.timer = time.AfterFunc(10*time.Millisecond, p.poll) // want data_race
}

func (p *poller) poll() {
	p.polls++
	if p.polls < 3 {
		p.timer.Reset(10 * time.Millisecond) // want data_race
	}
}

func main() {
	new(poller).start()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
