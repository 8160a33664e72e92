// Twelve tasks share three slots; every task gets one in its turn and gives it
// back however it ends.
package main

import (
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type slots chan struct{}

func (s slots) with(task func() error) error {
	s <- struct{}{}
	defer func() { <-s }()
	return task()
}

func main() {
	s := make(slots, 3)
	var failures atomic.Int64
	for i := 0; i < 12; i++ {
		go func(i int) {
			for n := 0; ; n++ {
				err := s.with(func() error {
					time.Sleep(time.Millisecond)
					if (n+i)%10 == 0 {
						return errors.New("try again")
					}
					return nil
				})
				if err != nil {
					failures.Add(1)
				}
			}
		}(i)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
