// The writer copies under the lock and writes without it.
//
// class: mixed, io.Pipe held under a lock
package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"runtime"
	"sync"
	"time"
)

type transcript struct {
	sync.Mutex
	lines []string
	sent  int
}

func (t *transcript) writeTo(out *io.PipeWriter) {
	defer out.Close()
	t.Lock()
	lines := append([]string(nil), t.lines...)
	t.Unlock()
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return
		}
	}
}

func (t *transcript) read(in io.Reader) {
	for scanner := bufio.NewScanner(in); scanner.Scan(); {
		t.Lock()
		t.sent++
		t.Unlock()
	}
}

func main() {
	t := &transcript{lines: []string{"one", "two", "three"}}
	in, out := io.Pipe()
	go t.writeTo(out)
	go t.read(in)
	go echoes()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
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
