// A hundred connections that were opened and have nothing to say, each with a
// reader and a writer of its own.
package main

import (
	"io"
	"log"
	"net"
	"time"
)

type link struct {
	connection net.Conn
	out        chan []byte
	closed     chan struct{}
}

func (l *link) read() {
	defer close(l.closed)
	line := make([]byte, 64)
	for {
		n, err := l.connection.Read(line)
		if err != nil {
			return
		}
		l.out <- append([]byte(nil), line[:n]...)
	}
}

func (l *link) write() {
	for {
		select {
		case block := <-l.out:
			if _, err := l.connection.Write(block); err != nil {
				return
			}
		case <-l.closed:
			l.connection.Close()
			return
		}
	}
}

func main() {
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
			l := &link{connection, make(chan []byte, 1), make(chan struct{})}
			go l.read()
			go l.write()
		}
	}()
	clients := make([]net.Conn, 100)
	for i := range clients {
		if clients[i], err = net.Dial("tcp", listener.Addr().String()); err != nil {
			log.Fatal(err)
		}
	}
	for n := 0; ; n++ {
		if _, err := clients[n%2].Write([]byte("ping")); err != nil {
			log.Fatal(err)
		}
		if _, err := io.ReadFull(clients[n%2], make([]byte, 4)); err != nil {
			log.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
