// Two reports read one table and write to the other's, crosswise: read locks
// are part of the circle too.
//
// class: resource, AB-BA over RWMutexes
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

type table struct {
	sync.RWMutex
	sum int
}

func summarize(from, into *table) {
	from.RLock()
	time.Sleep(50 * time.Millisecond)
	sum := from.sum
	into.Lock() // want deadlock 2
	into.sum += sum
	into.Unlock()
	from.RUnlock()
}

func main() {
	sales, returns := &table{sum: 9}, &table{sum: 2}
	go summarize(sales, returns)
	go summarize(returns, sales)
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
