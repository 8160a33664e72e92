// Add comes before the go statement.
//
// class: nonblocking, WaitGroup, Add inside
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func fetch(names []string) []int {
	lengths := make([]int, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Add(1)
		go func(i int, name string) {
			defer group.Done()
			lengths[i] = len(name)
		}(i, name)
	}
	group.Wait()
	return lengths
}

func main() {
	lengths := fetch([]string{"alpha", "be", "gamma"})
	fmt.Println(lengths[0])
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
