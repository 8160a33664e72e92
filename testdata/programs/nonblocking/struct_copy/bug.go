// The status is copied for the page while a worker changes it.
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
		w.done++ // want data_race
		time.Sleep(10 * time.Millisecond)
	}
}

func (w *worker) Status() status {
	return w.status // want data_race
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
