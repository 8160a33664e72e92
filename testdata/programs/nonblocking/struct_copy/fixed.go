// Copy and change are under one lock.
//
// class: nonblocking, data race, struct copy
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type status struct {
	state string
	done  int
}

type worker struct {
	mu sync.Mutex
	status
}

func (w *worker) run() {
	for i := 0; i < 4; i++ {
		w.mu.Lock()
		w.done++
		w.mu.Unlock()
		time.Sleep(10 * time.Millisecond)
	}
}

func (w *worker) Status() status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func main() {
	w := &worker{status: status{state: "busy"}}
	go w.run()
	time.Sleep(25 * time.Millisecond)
	fmt.Println(w.Status())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
