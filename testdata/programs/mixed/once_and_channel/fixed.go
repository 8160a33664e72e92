// The sampler does not need what is being set up.
//
// class: mixed, Once and channel
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type probe struct {
	setup  sync.Once
	sample chan float64
	zero   float64
}

func (p *probe) calibrate() {
	p.setup.Do(func() {
		go p.measure()
		p.zero = <-p.sample
	})
}

func (p *probe) measure() {
	p.sample <- 0.25
}

func main() {
	p := &probe{sample: make(chan float64)}
	go p.calibrate()
	go leases(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Leases that run out, each with somebody who waits for that.
func leases(parent context.Context) {
	for {
		lease, release := context.WithTimeout(parent, 60*time.Millisecond)
		go func() {
			defer release()
			<-lease.Done()
		}()
		time.Sleep(25 * time.Millisecond)
	}
}
