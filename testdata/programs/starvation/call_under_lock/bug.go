// The client holds its lock over the whole exchange with a slow server, so that
// six callers queue for more than a second.
//
// class: starvation, network under a lock
package main

import (
	"context"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type client struct {
	mu         sync.Mutex
	connection net.Conn
}

func serve(connection net.Conn) {
	request := make([]byte, 3)
	for {
		if _, err := io.ReadFull(connection, request); err != nil {
			return
		}
		time.Sleep(300 * time.Millisecond)
		if _, err := connection.Write([]byte("yes")); err != nil {
			return
		}
	}
}

func newClient() *client {
	ours, theirs := net.Pipe()
	go serve(theirs)
	return &client{connection: ours}
}

func (c *client) call() {
	c.mu.Lock() // want long_block 5+
	defer c.mu.Unlock()
	_, _ = c.connection.Write([]byte("has"))
	_, _ = io.ReadFull(c.connection, make([]byte, 3))
}

func main() {
	c := newClient()
	for i := 0; i < 6; i++ {
		go func() {
			for {
				c.call()
			}
		}()
	}
	go leases(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Leases that run out, each with somebody who waits for that.
func leases(parent context.Context) {
	for {
		lease, release := context.WithTimeout(parent, 60*time.Millisecond)
		go func() {
			defer release()
			<-lease.Done()
		}()
		time.Sleep(25 * time.Millisecond)
	}
}
