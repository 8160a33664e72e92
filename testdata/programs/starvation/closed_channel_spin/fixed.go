// A watcher leaves when the channel is closed.
//
// class: starvation, busy loop on a closed channel
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

type watcher struct{ events int }

func (w *watcher) run(changes <-chan string, quit <-chan struct{}) {
	for {
		select {
		case _, ok := <-changes:
			if !ok {
				return
			}
			w.events++
		case <-quit:
			return
		}
	}
}

func status(last time.Time) {
	for {
		time.Sleep(20 * time.Millisecond)
		fmt.Fprintln(io.Discard, time.Since(last))
		last = time.Now()
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	changes, quit := make(chan string), make(chan struct{})
	go status(time.Now())
	for i := 0; i < 50; i++ {
		go new(watcher).run(changes, quit)
	}
	changes <- "first"
	close(changes)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	close(quit)
}
