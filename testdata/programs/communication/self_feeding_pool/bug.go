// The workers put what they find into the queue that they themselves empty;
// when it is full, each of them waits for another to receive.
//
// class: communication, cycle over a bounded queue
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type page struct {
	depth int
	links int
}

func crawl(queue chan page) {
	for one := range queue {
		time.Sleep(time.Millisecond)
		for i := 0; i < one.links && one.depth < 4; i++ {
			queue <- page{one.depth + 1, one.links} // want deadlock 3
		}
	}
}

func main() {
	queue := make(chan page, 4)
	for i := 0; i < 3; i++ {
		go crawl(queue)
	}
	queue <- page{depth: 0, links: 3}
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
