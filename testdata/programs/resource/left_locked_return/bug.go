// One of two error paths returns without unlocking. Whoever asks later waits
// for a lock that nobody will give back.
//
// class: resource, lock left locked, early return
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

var errUnknown = errors.New("unknown customer")

type invoices struct {
	mu   sync.Mutex
	open map[int]int
}

func (i *invoices) pay(customer, amount int) error {
	i.mu.Lock() // want goroutine_leak|deadlock 4
	due, ok := i.open[customer]
	if !ok {
		return errUnknown
	}
	i.open[customer] = due - amount
	i.mu.Unlock()
	return nil
}

func main() {
	all := &invoices{open: map[int]int{1: 100, 2: 30}}
	fmt.Println(all.pay(1, 10), all.pay(7, 10))
	for customer := 1; customer <= 4; customer++ {
		go func(customer int) { _ = all.pay(customer, 5) }(customer)
	}
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
