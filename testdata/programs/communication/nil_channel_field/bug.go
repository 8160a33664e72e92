// The constructor for tests leaves the channel of the events unset, and sends
// to a nil channel wait for ever.
//
// class: communication, nil channel
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type recorder struct {
	events chan string
	seen   atomic.Int32
}

func newRecorder() *recorder {
	r := &recorder{events: make(chan string, 8)}
	go r.loop()
	return r
}

func newSilentRecorder() *recorder {
	return &recorder{}
}

func (r *recorder) loop() {
	for range r.events {
		r.seen.Add(1)
	}
}

func (r *recorder) record(event string) {
	r.events <- event // want goroutine_leak
}

func main() {
	for _, r := range []*recorder{newRecorder(), newSilentRecorder()} {
		go func(r *recorder) {
			for i := 0; ; i++ {
				r.record(fmt.Sprint("event ", i))
				time.Sleep(20 * time.Millisecond)
			}
		}(r)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
