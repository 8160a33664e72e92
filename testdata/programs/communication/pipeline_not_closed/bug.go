// The middle stage returns at a bad record without closing what it sends to:
// the last stage waits for more.
//
// class: communication, close missing in a pipeline
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func read(records ...string) <-chan string {
	out := make(chan string, len(records))
	for _, record := range records {
		out <- record
	}
	close(out)
	return out
}

func measure(in <-chan string) <-chan int {
	out := make(chan int)
	go func() {
		for record := range in {
			if record == "" {
				return
			}
			out <- len(record)
		}
		close(out)
	}()
	return out
}

func sum(in <-chan int) {
	total := 0
	for length := range in { // want goroutine_leak
		total += length
	}
	fmt.Println("total", total)
}

func main() {
	go sum(measure(read("one", "three")))
	go sum(measure(read("seven", "", "eleven")))
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
