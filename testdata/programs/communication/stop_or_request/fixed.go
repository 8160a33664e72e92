// The one who asks looks at the stop too.
//
// class: communication, select between stop and work
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type server struct {
	requests chan chan int
	stop     chan struct{}
}

func (s *server) loop() {
	time.Sleep(30 * time.Millisecond) // warming up
	for {
		select {
		case reply := <-s.requests:
			reply <- 42
		case <-s.stop:
			return
		}
	}
}

func (s *server) ask() int {
	reply := make(chan int, 1)
	select {
	case s.requests <- reply:
	case <-s.stop:
		return 0
	}
	select {
	case answer := <-reply:
		return answer
	case <-s.stop:
		return 0
	}
}

func main() {
	s := &server{requests: make(chan chan int, 1), stop: make(chan struct{})}
	go s.loop()
	go func() { fmt.Println(s.ask()) }()
	time.Sleep(10 * time.Millisecond)
	close(s.stop)
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
