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
	go mailer()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// The letters come now and then; in between the postmen are idle.
func mailer() {
	letters := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for letter := range letters {
				fmt.Fprintln(io.Discard, letter)
			}
		}()
	}
	for n := 0; ; n++ {
		letters <- fmt.Sprint("letter ", n)
		time.Sleep(15 * time.Millisecond)
	}
}
