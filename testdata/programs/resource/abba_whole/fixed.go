// Both take the journal first.
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
	index.Lock()
	defer index.Unlock()
	fmt.Println("compacted")
}

func main() {
	locked := make(chan struct{}, 1)
	go compact(locked)
	<-locked
	journal.Lock()
	index.Lock()
	fmt.Println("flushed")
	index.Unlock()
	journal.Unlock()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
