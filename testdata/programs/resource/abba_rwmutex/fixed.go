// Each reads first, gives that lock back and only then writes.
//
// class: resource, AB-BA over RWMutexes
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type table struct {
	sync.RWMutex
	sum int
}

func summarize(from, into *table) {
	from.RLock()
	time.Sleep(50 * time.Millisecond)
	sum := from.sum
	from.RUnlock()
	into.Lock()
	into.sum += sum
	into.Unlock()
}

func main() {
	sales, returns := &table{sum: 9}, &table{sum: 2}
	go summarize(sales, returns)
	go summarize(returns, sales)
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
