// Publish sends after it has given the lock back.
//
// class: mixed, channel held under a lock, send
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

type journal struct {
	mu      sync.Mutex
	lines   int
	archive chan string
}

func (j *journal) Publish(line string) {
	j.mu.Lock()
	j.lines++
	j.mu.Unlock()
	j.archive <- line
}

func (j *journal) keep() {
	for line := range j.archive {
		time.Sleep(10 * time.Millisecond)
		j.mu.Lock()
		fmt.Fprintln(io.Discard, j.lines, line)
		j.mu.Unlock()
	}
}

func main() {
	j := &journal{archive: make(chan string)}
	go j.keep()
	go func() {
		for i := 0; i < 10; i++ {
			j.Publish(fmt.Sprint("line ", i))
		}
		close(j.archive)
	}()
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
