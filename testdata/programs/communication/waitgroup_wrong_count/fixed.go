// It counts where it starts.
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
	for _, h := range hosts {
		if h.disabled {
			continue
		}
		finished.Add(1)
		go ping(h, &finished)
	}
	finished.Wait()
	fmt.Println("all answered")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
