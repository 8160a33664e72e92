// The stop channel is always among the cases, and is closed.
//
// class: communication, nil channel, select
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

type sources struct{ metrics, logs chan string }

func forward(from sources, stop <-chan struct{}) {
	for {
		select {
		case line := <-from.metrics:
			fmt.Fprintln(io.Discard, line)
		case line := <-from.logs:
			fmt.Fprintln(io.Discard, line)
		case <-stop:
			return
		}
	}
}

func main() {
	quit := make(chan struct{})
	go forward(sources{}, quit)
	time.Sleep(20 * time.Millisecond)
	close(quit)
	go echoes()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
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
