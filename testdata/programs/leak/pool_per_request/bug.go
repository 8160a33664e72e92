// Every request starts a pool of its own and does not close its channel when it
// is through.
//
// class: leak, worker pool never closed
package main

import (
	"context"
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
	go leases(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Leases that run out, each with somebody who waits for that.
func leases(parent context.Context) {
	for {
		lease, release := context.WithTimeout(parent, 60*time.Millisecond)
		go func() {
			defer release()
			<-lease.Done()
		}()
		time.Sleep(25 * time.Millisecond)
	}
}
