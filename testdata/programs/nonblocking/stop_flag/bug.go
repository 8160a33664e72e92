// The loop reads a flag that another goroutine sets, and nothing orders the
// two.
//
// class: nonblocking, data race, unsynchronised flag
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

type sampler struct {
	stopped bool
	samples int
}

func (s *sampler) run() {
	for !s.stopped { // want data_race
		s.samples++
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *sampler) stop() {
	s.stopped = true // want data_race
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
