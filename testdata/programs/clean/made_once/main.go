// What all share is made by whoever asks first; they wait until it is there, which
// takes its time.
package main

import (
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

type session struct {
	ready chan struct{}
	key   string
}

var login = sync.OnceValue(func() *session {
	s := &session{ready: make(chan struct{})}
	go func() {
		time.Sleep(7 * time.Second)
		s.key = "key"
		close(s.ready)
	}()
	return s
})

func fetch() string {
	s := login()
	<-s.ready
	return s.key
}

type dictionary struct {
	once  sync.Once
	words []string
}

func (d *dictionary) word(n int) string {
	d.once.Do(func() {
		time.Sleep(6 * time.Second)
		d.words = []string{"one", "two"}
	})
	return d.words[n%len(d.words)]
}

func main() {
	var d dictionary
	for reader := 0; reader < 4; reader++ {
		go func() {
			for {
				fetch()
				time.Sleep(10 * time.Millisecond)
			}
		}()
		go func(n int) {
			for {
				d.word(n)
				time.Sleep(10 * time.Millisecond)
			}
		}(reader)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}
