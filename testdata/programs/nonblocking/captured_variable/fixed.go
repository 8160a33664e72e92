// Each goroutine gets its own copy.
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
	for _, next = range letters {
		group.Add(1)
		go func(mine letter) {
			defer group.Done()
			send(mine)
		}(next)
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
