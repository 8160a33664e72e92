// Stopping a ticker does not close its channel: the goroutine that ranges over
// it stays.
//
// class: leak, ticker
package main

import (
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type heartbeat struct {
	ticker *time.Ticker
	quit   chan struct{}
	beats  atomic.Int32
}

func start() *heartbeat {
	h := &heartbeat{ticker: time.NewTicker(5 * time.Millisecond), quit: make(chan struct{})}
	go h.loop()
	return h
}

func (h *heartbeat) loop() {
	for range h.ticker.C { // want goroutine_leak 5
		h.beats.Add(1)
	}
}

func (h *heartbeat) stop() {
	h.ticker.Stop()
}

func main() {
	for i := 0; i < 5; i++ {
		h := start()
		time.Sleep(20 * time.Millisecond)
		h.stop()
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
