// The command's output is scanned from a pipe whose writing end is never
// closed, so the scanner waits for more.
//
// class: leak, consumer without producer, io.Pipe
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type command struct {
	name   string
	output *io.PipeWriter
}

func (c *command) run() {
	for i := 0; i < 5; i++ {
		fmt.Fprintln(c.output, c.name, "step", i)
	}
}

func scan(in io.Reader) {
	lines := 0
	scanner := bufio.NewScanner(in)
	for scanner.Scan() { // want goroutine_leak 3
		lines++
	}
}

func main() {
	for _, name := range []string{"fetch", "build", "install"} {
		in, out := io.Pipe()
		go scan(in)
		(&command{name, out}).run()
	}
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
