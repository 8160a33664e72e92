// A round of the loop that skips a bad record goes on without unlocking, and
// the next round waits for it.
//
// class: resource, lock left locked, continue
package main

import (
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
		i.mu.Lock() // want deadlock
		if strings.HasPrefix(record, "#") {
			continue
		}
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
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
