// Closing the stream does not wait for those who still send: the sender panics,
// which its recovery hides.
//
// class: nonblocking, send on a closed channel
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type stream struct {
	lines   chan string
	senders sync.WaitGroup
}

func (s *stream) send(line string) {
	defer s.senders.Done()
	defer func() { _ = recover() }()
	time.Sleep(time.Duration(len(line)) * 10 * time.Millisecond)
	s.lines <- line // want data_race
}

func (s *stream) close() {
	close(s.lines) // want data_race
}

func main() {
	s := &stream{lines: make(chan string, 8)}
	for _, line := range []string{"a", "bbb", "cccccccc"} {
		s.senders.Add(1)
		go s.send(line)
	}
	time.Sleep(45 * time.Millisecond)
	go s.close()
	for line := range s.lines {
		fmt.Println(line)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
