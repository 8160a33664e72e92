// The record is looked at before the lock is taken.
//
// class: resource, lock left locked, continue
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type importer struct {
	mu   sync.Mutex
	rows []string
}

func (i *importer) run(records <-chan string) {
	for record := range records {
		if strings.HasPrefix(record, "#") {
			continue
		}
		i.mu.Lock()
		i.rows = append(i.rows, record)
		i.mu.Unlock()
	}
}

func main() {
	records := make(chan string, 8)
	i := new(importer)
	go i.run(records)
	for _, record := range []string{"a,1", "b,2", "# comment", "c,3", "d,4"} {
		records <- record
	}
	close(records)
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
