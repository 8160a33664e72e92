// The one who asks looks at the stop too.
//
// class: communication, select between stop and work
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type server struct {
	requests chan chan int
	stop     chan struct{}
}

func (s *server) loop() {
	time.Sleep(30 * time.Millisecond) // warming up
	for {
		select {
		case reply := <-s.requests:
			reply <- 42
		case <-s.stop:
			return
		}
	}
}

func (s *server) ask() int {
	reply := make(chan int, 1)
	select {
	case s.requests <- reply:
	case <-s.stop:
		return 0
	}
	select {
	case answer := <-reply:
		return answer
	case <-s.stop:
		return 0
	}
}

func main() {
	s := &server{requests: make(chan chan int, 1), stop: make(chan struct{})}
	go s.loop()
	go func() { fmt.Println(s.ask()) }()
	time.Sleep(10 * time.Millisecond)
	close(s.stop)
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
