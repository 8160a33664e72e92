// The variable is declared outside of the loop, and the goroutines read it
// while the loop goes on to the next.
//
// class: nonblocking, data race, captured variable
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type letter struct{ to, text string }

func send(l letter) { fmt.Fprintln(io.Discard, l.to, l.text) }

func deliver(letters []letter) {
	var group sync.WaitGroup
	var next letter
	for _, next = range letters { // want data_race
		group.Add(1)
		go func() {
			defer group.Done()
			send(next) // want data_race
		}()
		time.Sleep(5 * time.Millisecond)
	}
	group.Wait()
}

func main() {
	deliver([]letter{{"ann", "hello"}, {"ben", "bye"}, {"cid", "thanks"}})
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
