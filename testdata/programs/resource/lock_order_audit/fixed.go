// The report takes the locks in the transfers' order.
//
// class: resource, lock order
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type bank struct {
	account, audit sync.Mutex
	balance, lines int
}

func (b *bank) transfer() {
	b.account.Lock()
	defer b.account.Unlock()
	b.balance++
	b.audit.Lock()
	defer b.audit.Unlock()
	b.lines++
}

func (b *bank) report() int {
	b.account.Lock()
	defer b.account.Unlock()
	b.audit.Lock()
	defer b.audit.Unlock()
	return b.balance - b.lines
}

// hold keeps a lock for a while, so that whoever wants it is seen to wait.
func hold(lock *sync.Mutex, then func()) {
	lock.Lock()
	done := make(chan struct{})
	go func() {
		then()
		close(done)
	}()
	time.Sleep(30 * time.Millisecond)
	lock.Unlock()
	<-done
}

func main() {
	b := new(bank)
	go func() {
		for range time.Tick(100 * time.Millisecond) {
			hold(&b.audit, b.transfer)
			hold(&b.account, func() { b.report() })
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
