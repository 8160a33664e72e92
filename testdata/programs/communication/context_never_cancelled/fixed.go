// Closing the session calls it.
//
// class: communication, context never cancelled
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type session struct {
	user   string
	cancel context.CancelFunc
}

func open(user string) *session {
	ctx, cancel := context.WithCancel(context.Background())
	s := &session{user: user, cancel: cancel}
	go watch(ctx)
	return s
}

func watch(ctx context.Context) {
	<-ctx.Done()
	fmt.Fprintln(io.Discard, "forget", ctx.Err())
}

func (s *session) Close() {
	s.cancel()
	fmt.Fprintln(io.Discard, "bye", s.user)
}

func visit(user string) {
	s := open(user)
	defer s.Close()
	time.Sleep(5 * time.Millisecond)
}

func main() {
	for _, user := range []string{"ann", "ben", "cid", "dot", "eve", "fay"} {
		go visit(user)
		time.Sleep(20 * time.Millisecond)
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
