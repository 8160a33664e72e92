// The notice is sent only if somebody is receiving at that very moment; the
// flusher is still busy, so the notices of the last two writes are lost and
// they are never flushed.
//
// class: communication, lost wake-up
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type flusher struct {
	pending atomic.Int32
	wake    chan struct{}
	flushed chan struct{}
}

func (f *flusher) write() {
	f.pending.Add(1)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *flusher) loop() {
	written := int32(0)
	for range f.wake { // may
		batch := f.pending.Swap(0)
		time.Sleep(70 * time.Millisecond) // the disk
		if written += batch; written == 3 {
			close(f.flushed)
			return
		}
	}
}

func main() {
	f := &flusher{wake: make(chan struct{}), flushed: make(chan struct{})}
	go f.loop()
	go func() {
		<-f.flushed // want goroutine_leak
		fmt.Println("flushed")
	}()
	for i := 0; i < 3; i++ {
		time.Sleep(10 * time.Millisecond)
		f.write()
	}
	go mailer()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// The letters come now and then; in between the postmen are idle.
func mailer() {
	letters := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for letter := range letters {
				fmt.Fprintln(io.Discard, letter)
			}
		}()
	}
	for n := 0; ; n++ {
		letters <- fmt.Sprint("letter ", n)
		time.Sleep(15 * time.Millisecond)
	}
}
