// Two clerks move money to and fro between the same accounts a few times, each
// from another side. Now and then they meet.
//
// class: resource, AB-BA, by chance
// shows: sometimes
package main

import (
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type account struct {
	mu      sync.Mutex
	balance int
}

type bank [2]account

func (b *bank) move(from, to int) {
	b[from].mu.Lock()
	defer b[from].mu.Unlock()
	time.Sleep(time.Millisecond) // the limit is looked up
	b[to].mu.Lock()              // want deadlock 2
	defer b[to].mu.Unlock()
	b[from].balance--
	b[to].balance++
}

func main() {
	b := new(bank)
	for side := 0; side < 2; side++ {
		go func(side int) {
			for i := 0; i < 12; i++ {
				b.move(side, 1-side)
				time.Sleep(time.Duration(rand.Intn(20)) * time.Millisecond)
			}
		}(side)
	}
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
