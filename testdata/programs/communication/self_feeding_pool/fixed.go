// What is found goes through an unbounded list that one goroutine keeps.
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
			queue <- page{one.depth + 1, one.links}
		}
	}
}

// frontier keeps what does not fit.
func frontier(found <-chan page, queue chan<- page) {
	var waiting []page
	for {
		var out chan<- page
		var next page
		if len(waiting) > 0 {
			out, next = queue, waiting[0]
		}
		select {
		case one := <-found:
			waiting = append(waiting, one)
		case out <- next:
			waiting = waiting[1:]
		}
	}
}

func crawlOver(queue <-chan page, found chan<- page) {
	for one := range queue {
		time.Sleep(time.Millisecond)
		for i := 0; i < one.links && one.depth < 4; i++ {
			found <- page{one.depth + 1, one.links}
		}
	}
}

func main() {
	queue := make(chan page, 4)
	found := make(chan page)
	go frontier(found, queue)
	for i := 0; i < 3; i++ {
		go crawlOver(queue, found)
	}
	queue <- page{depth: 0, links: 3}
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	close(queue)
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
