// The client receives while it sends.
//
// class: communication, cycle of two channels
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type link struct {
	requests, answers chan int
}

func (l *link) server() {
	for request := range l.requests {
		l.answers <- request * 2
		l.answers <- request*2 + 1
	}
	close(l.answers)
}

func (l *link) client(n int) (sum int) {
	go func() {
		for i := 0; i < n; i++ {
			l.requests <- i
		}
		close(l.requests)
	}()
	for answer := range l.answers {
		sum += answer
	}
	return sum
}

func main() {
	l := &link{make(chan int), make(chan int)}
	go l.server()
	go func() { fmt.Println(l.client(10)) }()
	go batches()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Every batch ends before the next begins.
func batches() {
	for n := 0; ; n++ {
		var parts sync.WaitGroup
		for part := 0; part < 3; part++ {
			parts.Add(1)
			go func(part int) {
				defer parts.Done()
				time.Sleep(time.Duration(part) * time.Millisecond)
			}(part)
		}
		parts.Wait()
		time.Sleep(20 * time.Millisecond)
	}
}
