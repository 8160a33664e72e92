// Four producers share one consumer that takes 400 ms for an item: each of them
// waits for more than a second to get rid of one.
//
// class: starvation, slow consumer
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"time"
)

type record struct{ sensor, value int }

func store(in <-chan record) {
	for one := range in {
		time.Sleep(400 * time.Millisecond)
		fmt.Fprintln(io.Discard, one)
	}
}

func sense(sensor int, out chan<- record) {
	for value := 0; ; value++ {
		out <- record{sensor, value} // want long_block 4
		time.Sleep(5 * time.Millisecond)
	}
}

func main() {
	records := make(chan record)
	for sensor := 0; sensor < 4; sensor++ {
		go sense(sensor, records)
	}
	go store(records)
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
