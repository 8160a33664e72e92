// Producers with buffered channels that come to their end: everything is
// closed, counted and gone, and main waits for the next order.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

func produce(from, to int, out chan<- int, group *sync.WaitGroup) {
	defer group.Done()
	for n := from; n < to; n++ {
		out <- n
	}
}

func consume(in <-chan int, sums chan<- int) {
	sum := 0
	for n := range in {
		sum += n
	}
	sums <- sum
}

func order(size int) (total int) {
	numbers, sums := make(chan int, 10), make(chan int, 3)
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go produce(i*size, (i+1)*size, numbers, &group)
	}
	for i := 0; i < cap(sums); i++ {
		go consume(numbers, sums)
	}
	group.Wait()
	close(numbers)
	for i := 0; i < cap(sums); i++ {
		total += <-sums
	}
	return total
}

func main() {
	fmt.Println(order(100), order(1000))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	fmt.Println(order(10))
}
