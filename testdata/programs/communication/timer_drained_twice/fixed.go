// The drain is left to the case in which the time was not received.
//
// class: communication, timer channel
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type session struct {
	idle *time.Timer
	ends int
}

func (s *session) serve(requests <-chan string) {
	for {
		received := false
		select {
		case request, ok := <-requests:
			if !ok {
				return
			}
			fmt.Fprintln(io.Discard, request)
		case <-s.idle.C:
			received = true
			s.ends++
		}
		if !s.idle.Stop() && !received {
			select {
			case <-s.idle.C:
			default:
			}
		}
		fmt.Fprintln(io.Discard, received)
		s.idle.Reset(40 * time.Millisecond)
	}
}

func main() {
	requests := make(chan string)
	s := &session{idle: time.NewTimer(40 * time.Millisecond)}
	go s.serve(requests)
	for i := 0; i < 4; i++ {
		requests <- fmt.Sprint("request ", i)
		time.Sleep(5 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond)
	close(requests)
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
