// Every request starts a pool of its own and does not close its channel when it
// is through.
//
// class: leak, worker pool never closed
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

type image struct{ size int }

func scale(in <-chan image, finished *sync.WaitGroup) {
	for one := range in { // want goroutine_leak 18
		one.size /= 2
		finished.Done()
	}
}

func album(images int) {
	in := make(chan image)
	var finished sync.WaitGroup
	for i := 0; i < 3; i++ {
		go scale(in, &finished)
	}
	for i := 0; i < images; i++ {
		finished.Add(1)
		in <- image{i}
	}
	finished.Wait()
}

func main() {
	for request := 0; request < 6; request++ {
		go album(10 + request)
		time.Sleep(15 * time.Millisecond)
	}
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
