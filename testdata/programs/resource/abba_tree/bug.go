// A folder that is moved locks itself and then its parent; a listing locks the
// parent and then its children.
//
// class: resource, AB-BA, parent and child
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"runtime"
	"sync"
	"time"
)

type folder struct {
	mu       sync.Mutex
	name     string
	parent   *folder
	children []*folder
}

func (f *folder) rename(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	time.Sleep(50 * time.Millisecond)
	f.parent.mu.Lock() // want deadlock
	defer f.parent.mu.Unlock()
	f.name = name
}

func (f *folder) list() (names []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, child := range f.children {
		time.Sleep(25 * time.Millisecond)
		child.mu.Lock() // want deadlock
		names = append(names, child.name)
		child.mu.Unlock()
	}
	return names
}

func main() {
	top := &folder{name: "/"}
	for _, name := range []string{"bin", "etc", "home"} {
		top.children = append(top.children, &folder{name: name, parent: top})
	}
	go top.children[2].rename("users")
	go func() { fmt.Println(top.list()) }()
	go echoes()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}

// A server and a client that keeps its connection.
func echoes() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(connection, connection) }()
		}
	}()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	answer := make([]byte, 4)
	for {
		if _, err := client.Write([]byte("ping")); err != nil {
			return
		}
		if _, err := io.ReadFull(client, answer); err != nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
