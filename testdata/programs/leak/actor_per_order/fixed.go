// The last message closes the mailbox.
//
// class: leak, actor never stopped
package main

import (
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type message struct{ amount int }

type actor struct {
	mailbox chan message
	balance int
}

func (a *actor) loop() {
	for m := range a.mailbox {
		a.balance += m.amount
	}
}

func (a *actor) settle(amounts ...int) {
	for _, amount := range amounts {
		a.mailbox <- message{amount}
	}
	close(a.mailbox)
}

func order(n int) {
	a := &actor{mailbox: make(chan message, 2)}
	go a.loop()
	a.settle(n, -n)
}

func main() {
	for n := 1; n <= 12; n++ {
		order(n)
		time.Sleep(5 * time.Millisecond)
	}
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
