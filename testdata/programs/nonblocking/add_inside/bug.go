// Add is called in the goroutine, so Wait may find the counter at zero before
// any has begun: the results are read while they are written.
//
// class: nonblocking, WaitGroup, Add inside
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func fetch(names []string) []int {
	lengths := make([]int, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		go func(i int, name string) {
			time.Sleep(time.Millisecond)
			group.Add(1) // may data_race
			defer group.Done()
			lengths[i] = len(name) // want data_race
		}(i, name)
	}
	group.Wait() // may data_race
	return lengths
}

func main() {
	lengths := fetch([]string{"alpha", "be", "gamma"})
	fmt.Println(lengths[0]) // want data_race
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
