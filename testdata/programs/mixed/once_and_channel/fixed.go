// The sampler does not need what is being set up.
//
// class: mixed, Once and channel
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
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

type gauge struct {
	sync.RWMutex
	value int
}

func gauges() {
	level := new(gauge)
	for i := 0; i < 2; i++ {
		go func() {
			for {
				level.Lock()
				level.value++
				level.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	for range time.Tick(25 * time.Millisecond) {
		level.RLock()
		fmt.Fprintln(io.Discard, level.value)
		level.RUnlock()
	}
}
