// Five stations pass a token on; one of them drops it, and all of them wait for
// the one before.
//
// class: communication, cycle of five channels
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

type station struct {
	number   int
	in, out  chan int
	received int
}

func (s *station) run(rounds int) {
	for token := range s.in { // want deadlock|goroutine_leak 5
		s.received++
		if s.number == 3 && token > rounds {
			continue
		}
		time.Sleep(time.Millisecond)
		s.out <- token + 1
	}
}

func main() {
	const stations = 5
	var wires [stations]chan int
	for i := range wires {
		wires[i] = make(chan int, 1)
	}
	for i := range wires {
		one := &station{number: i, in: wires[i], out: wires[(i+1)%stations]}
		go one.run(20)
	}
	wires[0] <- 0
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
