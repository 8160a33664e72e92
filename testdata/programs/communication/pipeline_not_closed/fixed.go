// Each stage closes its output when it ends, however it ends.
//
// class: communication, close missing in a pipeline
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func read(records ...string) <-chan string {
	out := make(chan string, len(records))
	for _, record := range records {
		out <- record
	}
	close(out)
	return out
}

func measure(in <-chan string) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for record := range in {
			if record == "" {
				return
			}
			out <- len(record)
		}
	}()
	return out
}

func sum(in <-chan int) {
	total := 0
	for length := range in {
		total += length
	}
	fmt.Println("total", total)
}

func main() {
	go sum(measure(read("one", "three")))
	go sum(measure(read("seven", "", "eleven")))
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
