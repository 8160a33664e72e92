// A request carries the channel for its answer, but an unknown verb is passed
// over without one.
//
// class: communication, receive without sender, request and reply
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type request struct {
	verb, key string
	reply     chan<- string
}

func keeper(requests <-chan request) {
	values := map[string]string{"colour": "blue"}
	for one := range requests {
		switch one.verb {
		case "get":
			one.reply <- values[one.key]
		case "drop":
			delete(values, one.key)
			one.reply <- "dropped"
		}
	}
}

func ask(requests chan<- request, verb, key string) string {
	reply := make(chan string)
	requests <- request{verb, key, reply}
	return <-reply // want goroutine_leak 2
}

func main() {
	requests := make(chan request)
	go keeper(requests)
	for _, verb := range []string{"get", "touch", "get", "rename", "drop"} {
		go func(verb string) { fmt.Println(ask(requests, verb, "colour")) }(verb)
	}
	go func() {
		for {
			ask(requests, "get", "colour")
			time.Sleep(10 * time.Millisecond)
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
