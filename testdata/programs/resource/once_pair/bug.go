// The database's Once wants the logger, the logger's Once wants the database,
// and two goroutines begin at different ends.
//
// class: resource, AB-BA over two Onces
package main

import (
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	database, logger sync.Once
	ready            atomic.Int32
)

func openDatabase() {
	database.Do(func() { // want deadlock
		time.Sleep(50 * time.Millisecond)
		openLogger()
		ready.Add(1)
	})
}

func openLogger() {
	logger.Do(func() { // want deadlock
		time.Sleep(50 * time.Millisecond)
		openDatabase()
		ready.Add(1)
	})
}

func main() {
	go openDatabase()
	go openLogger()
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
