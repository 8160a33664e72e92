// The word is deferred.
//
// class: communication, receive without sender, whole program
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func compact(files []string, finished chan<- int) {
	merged := 0
	defer func() { finished <- merged }()
	if len(files) < 2 {
		return
	}
	merged = len(files)
}

func main() {
	finished := make(chan int)
	go compact([]string{"a.log", "b.log"}, finished)
	go compact([]string{"c.log"}, finished)
	for i := 0; i < 2; i++ {
		fmt.Println("merged", <-finished)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
