// A pool that has done its first batch and is idle: the next one may come, main
// still has the channel.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type job struct {
	id   int
	done *sync.WaitGroup
}

type pool struct{ jobs chan job }

func newPool(workers int) *pool {
	p := &pool{jobs: make(chan job)}
	for i := 0; i < workers; i++ {
		go p.work()
	}
	return p
}

func (p *pool) work() {
	for one := range p.jobs {
		time.Sleep(time.Millisecond)
		one.done.Done()
	}
}

func (p *pool) batch(n int) {
	var done sync.WaitGroup
	done.Add(n)
	for id := 0; id < n; id++ {
		p.jobs <- job{id, &done}
	}
	done.Wait()
}

func main() {
	p := newPool(8)
	p.batch(100)
	fmt.Println("first batch is done")
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	p.batch(10)
	close(p.jobs)
}
