// The workers range over the jobs and main waits for the workers, but nobody
// closes the channel of the jobs.
//
// class: communication, close missing, whole program
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func thumbnail(jobs <-chan int, finished *sync.WaitGroup) {
	defer finished.Done()
	for job := range jobs { // want deadlock|goroutine_leak 4
		time.Sleep(time.Duration(job%3) * time.Millisecond)
	}
}

func main() {
	jobs := make(chan int, 2)
	var finished sync.WaitGroup
	for i := 0; i < 4; i++ {
		finished.Add(1)
		go thumbnail(jobs, &finished)
	}
	for job := 0; job < 40; job++ {
		jobs <- job
	}
	finished.Wait() // want deadlock
	fmt.Println("all thumbnails made")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
