// The counter is atomic.
//
// class: nonblocking, data race, counter
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type site struct {
	visits atomic.Int64
	pages  []string
}

func (s *site) visit() {
	for range s.pages {
		s.visits.Add(1)
		time.Sleep(time.Millisecond)
	}
}

func main() {
	s := &site{pages: []string{"/", "/about", "/jobs"}}
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			s.visit()
		}()
	}
	group.Wait()
	fmt.Println(s.visits.Load())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
