// It leaves only after it has stopped the timer, and there is room for one
// warning.
//
// class: leak, producer without consumer, time.AfterFunc
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type task struct{ name string }

func (t task) run(lasts time.Duration) {
	late := make(chan string, 1)
	timer := time.AfterFunc(60*time.Millisecond, func() {
		late <- t.name + " is late"
	})
	defer timer.Stop()
	select {
	case <-time.After(lasts):
	case warning := <-late:
		fmt.Println(warning)
	}
}

func main() {
	for i := 0; i < 5; i++ {
		go task{fmt.Sprint("task ", i)}.run(time.Duration(2*i) * time.Millisecond)
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
