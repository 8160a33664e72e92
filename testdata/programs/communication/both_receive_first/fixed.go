// The dialling side greets first.
//
// class: communication, cycle of two channels, receive
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type peer struct {
	name    string
	in, out chan string
}

func (p peer) accept() string {
	name := <-p.in
	p.out <- p.name
	return name
}

func (p peer) dial() string {
	p.out <- p.name
	name := <-p.in
	return name
}

func main() {
	left, right := make(chan string), make(chan string)
	go func() { fmt.Println("met", peer{"vienna", left, right}.accept()) }()
	go func() { fmt.Println("met", peer{"linz", right, left}.dial()) }()
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
