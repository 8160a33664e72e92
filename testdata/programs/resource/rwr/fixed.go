// The inner lookup works under the read lock that is held already.
//
// class: resource, RWR
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

type routes struct {
	mu    sync.RWMutex
	paths map[string]string
}

func (r *routes) target(path string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.paths[path]
}

func (r *routes) resolve(path string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i := 0; i < 3; i++ {
		time.Sleep(40 * time.Millisecond)
		path = r.paths[path]
	}
	return path
}

func (r *routes) add(path, target string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paths[path] = target
}

func main() {
	r := &routes{paths: map[string]string{"/": "/home", "/home": "/home"}}
	fmt.Println(r.target("/"))
	go func() { fmt.Println(r.resolve("/")) }()
	time.Sleep(20 * time.Millisecond)
	go r.add("/old", "/new")
	go batches()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
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
