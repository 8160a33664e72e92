// Each has a place of its own.
//
// class: nonblocking, data race, append
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func probe(port int) bool { return port%2 == 0 }

func scan(ports []int) []bool {
	open := make([]bool, len(ports))
	var group sync.WaitGroup
	for i, port := range ports {
		group.Add(1)
		go func(i, port int) {
			defer group.Done()
			time.Sleep(time.Duration(i) * 5 * time.Millisecond)
			open[i] = probe(port)
		}(i, port)
	}
	group.Wait()
	return open
}

func main() {
	fmt.Println(len(scan([]int{22, 80, 443})))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
