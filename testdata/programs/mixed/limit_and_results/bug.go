// The dispatcher waits for a free slot, the workers that have one wait for
// somebody to read their results, and that is the dispatcher, later.
//
// class: mixed, semaphore and result channel, whole program
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

func resolve(name string, slots <-chan struct{}, addresses chan<- string) {
	defer func() { <-slots }()
	addresses <- "192.0.2." + strconv.Itoa(len(name)) // want deadlock 2
}

func main() {
	names := []string{"a", "bb", "ccc", "dddd", "eeeee"}
	slots, addresses := make(chan struct{}, 2), make(chan string)
	for _, name := range names {
		slots <- struct{}{} // want deadlock
		go resolve(name, slots, addresses)
	}
	for range names {
		fmt.Println(<-addresses)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
