// Main closes the channel when the last job is handed out.
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
	for job := range jobs {
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
	close(jobs)
	finished.Wait()
	fmt.Println("all thumbnails made")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
