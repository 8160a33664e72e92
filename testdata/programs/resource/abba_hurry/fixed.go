// The lock of the first account is taken first, whichever way the money goes.
//
// class: resource, AB-BA, by chance
package main

import (
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
	b[0].mu.Lock()
	defer b[0].mu.Unlock()
	b[1].mu.Lock()
	defer b[1].mu.Unlock()
	time.Sleep(time.Millisecond) // the limit is looked up
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
