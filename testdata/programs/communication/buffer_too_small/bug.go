// The results are read after all have finished, but only two fit into the
// buffer: the third cannot finish.
//
// class: communication, full buffered channel
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

func check(link string, broken chan<- string, group *sync.WaitGroup) {
	defer group.Done()
	if strings.Contains(link, "old") {
		broken <- link // want deadlock|goroutine_leak
	}
}

func main() {
	links := []string{"/old/a", "/new", "/old/b", "/", "/old/c"}
	broken := make(chan string, 2)
	var group sync.WaitGroup
	for _, link := range links {
		group.Add(1)
		go check(link, broken, &group)
	}
	group.Wait() // want deadlock
	close(broken)
	for link := range broken {
		fmt.Println("broken:", link)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
