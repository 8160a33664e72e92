// The poller waits without the lock.
//
// class: mixed, context held under a lock
package main

import (
	"context"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type jobs struct {
	mu      sync.Mutex
	cancels map[string]context.CancelFunc
	status  map[string]string
}

func (j *jobs) run(ctx context.Context, name string) {
	j.mu.Lock()
	j.status[name] = "running"
	j.mu.Unlock()
	<-ctx.Done()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.status[name] = "stopped"
}

func (j *jobs) stop(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.cancels[name]()
}

func main() {
	all := &jobs{cancels: make(map[string]context.CancelFunc), status: make(map[string]string)}
	one, cancel := context.WithCancel(context.Background())
	all.cancels["backup"] = cancel
	go all.run(one, "backup")
	time.Sleep(30 * time.Millisecond)
	go all.stop("backup")
	go echoes()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
