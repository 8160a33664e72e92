// The unlock is deferred inside a loop, so it comes at the end of the function,
// not of the round: the second round waits for the first one's lock.
//
// class: resource, double lock, defer in a loop
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

type ledger struct {
	mu      sync.Mutex
	entries []int
}

func (l *ledger) post(amount int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, amount)
}

func (l *ledger) postAll(amounts ...int) {
	for _, amount := range amounts {
		l.mu.Lock() // want deadlock 1+
		defer l.mu.Unlock()
		l.entries = append(l.entries, amount)
	}
}

func main() {
	book := new(ledger)
	book.post(3)
	done := make(chan struct{})
	go func() {
		defer close(done)
		book.postAll(10, 20, 30)
	}()
	<-done // want deadlock
	fmt.Println("posted")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
