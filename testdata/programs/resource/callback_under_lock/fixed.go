// The list is copied under the lock and called without it.
//
// class: resource, lock held across callbacks
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

type bus struct {
	mu        sync.Mutex
	callbacks map[int]func(string)
}

func (b *bus) Unsubscribe(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.callbacks, id)
}

func (b *bus) Publish(event string) {
	b.mu.Lock()
	calls := make([]func(string), 0, len(b.callbacks))
	for _, call := range b.callbacks {
		calls = append(calls, call)
	}
	b.mu.Unlock()
	for _, call := range calls {
		call(event)
	}
}

func main() {
	b := &bus{callbacks: make(map[int]func(string))}
	b.callbacks[1] = func(event string) { fmt.Println("audit:", event) }
	b.callbacks[2] = func(event string) {
		if event == "login" {
			b.Unsubscribe(2)
		}
	}
	go func() {
		for _, event := range []string{"start", "login", "logout"} {
			b.Publish(event)
		}
	}()
	go mailer()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
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
