// The group counts every host, the loop leaves out those that are disabled: the
// counter never comes down to zero.
//
// class: communication, WaitGroup, wrong count
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type host struct {
	name     string
	disabled bool
}

func ping(h host, finished *sync.WaitGroup) {
	defer finished.Done()
	time.Sleep(time.Millisecond)
	fmt.Fprintln(io.Discard, h.name, "is up")
}

func main() {
	hosts := []host{{"web", false}, {"old", true}, {"db", false}}
	var finished sync.WaitGroup
	finished.Add(len(hosts))
	for _, h := range hosts {
		if h.disabled {
			continue
		}
		go ping(h, &finished)
	}
	finished.Wait() // want deadlock
	fmt.Println("all answered")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
