// The workers put what they find into the queue that they themselves empty;
// when it is full, each of them waits for another to receive.
//
// class: communication, cycle over a bounded queue
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type page struct {
	depth int
	links int
}

func crawl(queue chan page) {
	for one := range queue {
		time.Sleep(time.Millisecond)
		for i := 0; i < one.links && one.depth < 4; i++ {
			queue <- page{one.depth + 1, one.links} // want deadlock 3
		}
	}
}

func main() {
	queue := make(chan page, 4)
	for i := 0; i < 3; i++ {
		go crawl(queue)
	}
	queue <- page{depth: 0, links: 3}
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
