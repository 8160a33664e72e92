// The client receives while it sends.
//
// class: communication, cycle of two channels
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
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
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
