// The collector leaves at the first error; the parsers that are still at work
// have nobody to send to.
//
// class: communication, send without receiver
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type parsed struct {
	line int
	err  error
}

func parse(line int, out chan<- parsed) {
	result := parsed{line: line}
	if line == 2 {
		result.err = errors.New("bad line")
	}
	time.Sleep(time.Duration(line) * 10 * time.Millisecond)
	out <- result // want goroutine_leak 3
}

func collect(lines int) (err error) {
	out := make(chan parsed)
	for line := 1; line <= lines; line++ {
		go parse(line, out)
	}
	for i := 0; i < lines; i++ {
		if result := <-out; result.err != nil {
			return result.err
		}
	}
	return err
}

func main() {
	fmt.Println(collect(5))
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
