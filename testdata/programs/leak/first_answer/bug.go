// Three mirrors are asked and the first answer is taken; the two others have
// nobody to send to.
//
// class: leak, first result
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

func ask(mirror int, answers chan<- string) {
	time.Sleep(time.Duration(mirror) * 3 * time.Millisecond)
	answers <- fmt.Sprint("mirror ", mirror) // want goroutine_leak 20
}

func fastest() string {
	answers := make(chan string)
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
	go batches()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Every batch ends before the next begins.
func batches() {
	for n := 0; ; n++ {
		var parts sync.WaitGroup
		for part := 0; part < 3; part++ {
			parts.Add(1)
			go func(part int) {
				defer parts.Done()
				time.Sleep(time.Duration(part) * time.Millisecond)
			}(part)
		}
		parts.Wait()
		time.Sleep(20 * time.Millisecond)
	}
}
