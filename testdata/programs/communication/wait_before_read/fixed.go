// A goroutine of its own waits and closes, while main reads.
//
// class: communication, channel and WaitGroup, whole program
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func size(path string, sizes chan<- int, group *sync.WaitGroup) {
	defer group.Done()
	sizes <- len(path)
}

func main() {
	sizes := make(chan int)
	var group sync.WaitGroup
	for _, path := range []string{"/usr", "/var/log", "/home"} {
		group.Add(1)
		go size(path, sizes, &group)
	}
	go func() {
		group.Wait()
		close(sizes)
	}()
	total := 0
	for one := range sizes {
		total += one
	}
	fmt.Println(total)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
