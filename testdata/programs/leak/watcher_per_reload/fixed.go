// The reload closes the old one's channel.
//
// class: leak, watcher replaced and not stopped
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"runtime"
	"time"
)

type configuration struct {
	reloads int
	stop    chan struct{}
	changes chan string
}

func (c *configuration) watch(file string, stop <-chan struct{}) {
	for {
		select {
		case change := <-c.changes:
			fmt.Fprintln(io.Discard, file, change)
		case <-stop:
			return
		}
	}
}

func (c *configuration) reload(file string) {
	if c.stop != nil {
		close(c.stop)
	}
	c.reloads++
	c.stop = make(chan struct{})
	c.changes = make(chan string)
	go func(stop chan struct{}) {
		one := &configuration{changes: make(chan string)}
		one.watch(file, stop)
	}(c.stop)
}

func main() {
	c := new(configuration)
	for i := 0; i < 6; i++ {
		c.reload(fmt.Sprintf("app-%d.conf", i))
		time.Sleep(10 * time.Millisecond)
	}
	go echoes()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine(), "reloads", c.reloads)
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
