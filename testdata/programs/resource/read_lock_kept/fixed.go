// The read lock is given back on every way out.
//
// class: resource, lock left locked, read lock
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

type catalogue struct {
	mu     sync.RWMutex
	prices map[string]int
}

func (c *catalogue) price(article string) (int, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	price, ok := c.prices[article]
	if !ok {
		return 0, false
	}
	return price, true
}

func (c *catalogue) set(article string, price int) {
	c.mu.Lock()
	c.prices[article] = price
	c.mu.Unlock()
}

func main() {
	c := &catalogue{prices: map[string]int{"pen": 2}}
	c.price("pen")
	c.price("ink")
	c.price("pen")
	go c.set("ink", 5)
	time.Sleep(30 * time.Millisecond)
	for _, article := range []string{"pen", "ink"} {
		go c.price(article)
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
