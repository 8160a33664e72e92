// The only goroutine locks twice: the runtime itself would say that all are
// asleep.
//
// class: resource, double lock, whole program
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type basket struct {
	mu    sync.Mutex
	lines map[string]int
}

func (b *basket) total() (sum int) {
	b.mu.Lock() // want deadlock
	defer b.mu.Unlock()
	for _, price := range b.lines {
		sum += price
	}
	return sum
}

func (b *basket) add(article string, price int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines[article] = price
	return b.total()
}

func main() {
	b := &basket{lines: make(map[string]int)}
	fmt.Println(b.add("tea", 4))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
