// Refresh holds the cache's lock and calls Get, which takes it again: a Go
// mutex is not reentrant, so the goroutine waits for itself.
//
// class: resource, double lock
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

type cache struct {
	mu    sync.Mutex
	rates map[string]int
}

func (c *cache) Get(currency string) int {
	c.mu.Lock() // want deadlock
	defer c.mu.Unlock()
	return c.rates[currency]
}

func (c *cache) Refresh(currency string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.Get(currency)
	c.rates[currency] = old + 1
}

func main() {
	c := &cache{rates: map[string]int{"EUR": 100}}
	fmt.Println(c.Get("EUR"))
	go func() {
		c.Refresh("EUR")
		fmt.Println("refreshed")
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
