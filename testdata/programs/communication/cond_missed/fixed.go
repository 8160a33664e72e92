// The reader waits only while it is not loaded.
//
// class: communication, Cond missed
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type dictionary struct {
	mu     sync.Mutex
	filled *sync.Cond
	words  []string
}

func (d *dictionary) load() {
	d.mu.Lock()
	d.words = []string{"alpha", "beta"}
	d.mu.Unlock()
	d.filled.Broadcast()
}

func (d *dictionary) first() string {
	time.Sleep(30 * time.Millisecond) // other things come first
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.words) == 0 {
		d.filled.Wait()
	}
	return d.words[0]
}

func main() {
	d := new(dictionary)
	d.filled = sync.NewCond(&d.mu)
	go func() { fmt.Println(d.first()) }()
	go d.load()
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
