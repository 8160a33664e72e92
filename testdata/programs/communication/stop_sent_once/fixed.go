// Stop closes the channel, which all of them see.
//
// class: communication, stop sent in place of closed
package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"
)

type poller struct {
	stop    chan struct{}
	samples chan int
}

func (p *poller) run(id int) {
	for {
		select {
		case <-p.stop:
			return
		case n := <-p.samples:
			fmt.Fprintln(io.Discard, id, n)
		}
	}
}

func watch() {
	p := &poller{stop: make(chan struct{}), samples: make(chan int)}
	for id := 0; id < 3; id++ {
		go p.run(id)
	}
	for n := 0; n < 9; n++ {
		p.samples <- n
	}
	close(p.stop)
}

func main() {
	watch()
	go leases(context.Background())
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
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
