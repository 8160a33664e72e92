// The results are read by a goroutine of their own.
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
	addresses <- "192.0.2." + strconv.Itoa(len(name))
}

func show(addresses <-chan string, n int, shown chan<- struct{}) {
	for i := 0; i < n; i++ {
		fmt.Println(<-addresses)
	}
	close(shown)
}

func main() {
	names := []string{"a", "bb", "ccc", "dddd", "eeeee"}
	slots, addresses := make(chan struct{}, 2), make(chan string)
	shown := make(chan struct{})
	go show(addresses, len(names), shown)
	for _, name := range names {
		slots <- struct{}{}
		go resolve(name, slots, addresses)
	}
	<-shown
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
