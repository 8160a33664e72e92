// The taker leaves the registry before it waits.
//
// class: mixed, Cond with a second lock held
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type queue struct {
	mu     sync.Mutex
	filled *sync.Cond
	items  []int
}

type registry struct {
	mu     sync.Mutex
	queues map[string]*queue
}

func (r *registry) take(name string) int {
	r.mu.Lock()
	q := r.queues[name]
	r.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 {
		q.filled.Wait()
	}
	item := q.items[0]
	q.items = q.items[1:]
	return item
}

func (r *registry) put(name string, item int) {
	r.mu.Lock()
	q := r.queues[name]
	r.mu.Unlock()
	q.mu.Lock()
	q.items = append(q.items, item)
	q.mu.Unlock()
	q.filled.Signal()
}

func main() {
	parcels := new(queue)
	parcels.filled = sync.NewCond(&parcels.mu)
	r := &registry{queues: map[string]*queue{"parcels": parcels}}
	go func() { fmt.Println(r.take("parcels")) }()
	time.Sleep(30 * time.Millisecond)
	go r.put("parcels", 7)
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
