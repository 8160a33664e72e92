// The generator is a closure without a goroutine.
//
// class: leak, producer without consumer, endless generator
package main

import (
	"context"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"time"
)

func numbers(first int) func() int {
	return func() int {
		first++
		return first - 1
	}
}

type batch struct{ numbered map[int]string }

func (b *batch) load(lines ...string) {
	next := numbers(1000 * len(lines))
	b.numbered = make(map[int]string)
	for _, line := range lines {
		b.numbered[next()] = line
	}
}

func main() {
	for size := 1; size <= 7; size++ {
		lines := make([]string, size)
		new(batch).load(lines...)
		time.Sleep(5 * time.Millisecond)
	}
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
