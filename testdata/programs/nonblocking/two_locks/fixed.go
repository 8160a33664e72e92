// Both hold the till's.
//
// class: nonblocking, data race, different locks
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type branch struct {
	mu   sync.Mutex
	till till
}

type till struct {
	mu      sync.Mutex
	balance int
}

func (b *branch) deposit(amount int) {
	b.till.mu.Lock()
	defer b.till.mu.Unlock()
	b.till.balance += amount
}

func (t *till) withdraw(amount int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.balance -= amount
}

func main() {
	b := new(branch)
	go b.deposit(10)
	go func() {
		time.Sleep(20 * time.Millisecond)
		b.till.withdraw(5)
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
