// Three nodes compete for a lease; the two that do not have it ask again after
// a pause, and the leader gives it up now and then.
package main

import (
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

type lease struct {
	mu      sync.Mutex
	holder  string
	expires time.Time
}

func (l *lease) try(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.holder == name || now.After(l.expires) {
		l.holder, l.expires = name, now.Add(30*time.Millisecond)
		return true
	}
	return false
}

func (l *lease) node(name string) {
	led := 0
	for {
		if l.try(name) {
			if led++; led%10 == 0 {
				time.Sleep(50 * time.Millisecond)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	l := new(lease)
	for _, name := range []string{"ann", "ben", "cid"} {
		go l.node(name)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}
