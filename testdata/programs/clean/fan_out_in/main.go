// Work is spread over workers and gathered again, batch after batch; the
// channels are closed when a batch is done.
package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

func spread(n int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for i := 0; i < n; i++ {
			out <- i
		}
	}()
	return out
}

func gather(sources ...<-chan int) <-chan int {
	out := make(chan int)
	var group sync.WaitGroup
	group.Add(len(sources))
	for _, source := range sources {
		go func(source <-chan int) {
			defer group.Done()
			for n := range source {
				out <- n
			}
		}(source)
	}
	go func() {
		group.Wait()
		close(out)
	}()
	return out
}

func double(in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for n := range in {
			time.Sleep(100 * time.Microsecond)
			out <- 2 * n
		}
	}()
	return out
}

func main() {
	for batch := 0; ; batch++ {
		in := spread(20)
		sum := 0
		for n := range gather(double(in), double(in), double(in)) {
			sum += n
		}
		fmt.Fprintln(io.Discard, sum)
		time.Sleep(5 * time.Millisecond)
	}
}
