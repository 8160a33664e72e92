// Main locks the index and then the journal, the compactor the other way round,
// and nobody else is there.
//
// class: resource, AB-BA, whole program
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

var index, journal sync.Mutex

func compact(locked chan<- struct{}) {
	journal.Lock()
	defer journal.Unlock()
	locked <- struct{}{}
	index.Lock() // want deadlock
	defer index.Unlock()
	fmt.Println("compacted")
}

func main() {
	locked := make(chan struct{}, 1)
	index.Lock()
	go compact(locked)
	<-locked
	journal.Lock() // want deadlock
	fmt.Println("flushed")
	index.Unlock()
	journal.Unlock()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
