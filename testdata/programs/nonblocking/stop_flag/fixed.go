// The flag is atomic.
//
// class: nonblocking, data race, unsynchronised flag
package main

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type sampler struct {
	stopped atomic.Bool
	samples int
}

func (s *sampler) run() {
	for !s.stopped.Load() {
		s.samples++
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *sampler) stop() {
	s.stopped.Store(true)
}

func main() {
	s := new(sampler)
	go s.run()
	time.Sleep(60 * time.Millisecond)
	s.stop()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
