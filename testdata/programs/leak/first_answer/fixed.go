// The channel has room for all answers.
//
// class: leak, first result
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func ask(mirror int, answers chan<- string) {
	time.Sleep(time.Duration(mirror) * 3 * time.Millisecond)
	answers <- fmt.Sprint("mirror ", mirror)
}

func fastest() string {
	answers := make(chan string, 3)
	for mirror := 1; mirror <= 3; mirror++ {
		go ask(mirror, answers)
	}
	return <-answers
}

func main() {
	for i := 0; i < 10; i++ {
		fmt.Fprintln(io.Discard, fastest())
		time.Sleep(10 * time.Millisecond)
	}
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
