// The unlock is deferred, and Goexit runs deferred calls.
//
// class: resource, lock left locked, Goexit
package main

import (
	"context"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"time"
)

type printer struct {
	tray  sync.Mutex
	pages int
}

func (p *printer) print(pages int) {
	p.tray.Lock()
	defer p.tray.Unlock()
	time.Sleep(60 * time.Millisecond)
	if pages > 100 {
		runtime.Goexit()
	}
	p.pages += pages
}

func main() {
	office := new(printer)
	go office.print(500)
	time.Sleep(30 * time.Millisecond)
	go office.print(3)
	go office.print(1)
	go echoes()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
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
