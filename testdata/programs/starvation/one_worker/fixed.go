// Long jobs have a worker of their own.
//
// class: starvation, long job before short ones
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type job struct {
	name string
	long bool
}

func work(jobs <-chan job) {
	for one := range jobs {
		if one.long {
			time.Sleep(1500 * time.Millisecond)
		}
		fmt.Fprintln(io.Discard, one.name)
	}
}

// A video comes when the last one is done.
func record(jobs chan<- job) {
	for {
		jobs <- job{"video", true}
		time.Sleep(1600 * time.Millisecond)
	}
}

func main() {
	jobs := make(chan job)
	go work(jobs)
	videos := make(chan job)
	go work(videos)
	go record(videos)
	for i := 0; i < 5; i++ {
		go func(i int) {
			for {
				jobs <- job{fmt.Sprint("mail ", i), false}
				time.Sleep(20 * time.Millisecond)
			}
		}(i)
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
