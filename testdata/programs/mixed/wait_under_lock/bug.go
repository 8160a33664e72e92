// Shutdown waits for the connections while it holds the lock that each
// connection needs to take its leave.
//
// class: mixed, WaitGroup held under a lock
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"
)

type server struct {
	sync.Mutex
	active map[int]bool
	group  sync.WaitGroup
}

func (s *server) connection(id int) {
	defer s.group.Done()
	time.Sleep(30 * time.Millisecond)
	s.Lock() // want deadlock 3
	delete(s.active, id)
	s.Unlock()
}

func (s *server) start(n int) {
	s.Lock()
	defer s.Unlock()
	for id := 0; id < n; id++ {
		s.active[id] = true
		s.group.Add(1)
		go s.connection(id)
	}
}

func (s *server) shutdown() {
	s.Lock()
	defer s.Unlock()
	fmt.Println("closing", len(s.active))
	s.group.Wait() // want deadlock
}

func main() {
	s := &server{active: make(map[int]bool)}
	s.start(3)
	go s.shutdown()
	go gauges()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
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
