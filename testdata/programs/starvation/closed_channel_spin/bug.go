// The watchers do not notice that their channel is closed and take zero values
// from it as fast as they can; what the network brings waits until each of them
// has had its turn.
//
// class: starvation, busy loop on a closed channel
package main

import (
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"runtime"
)

type watcher struct{ events int }

func (w *watcher) run(changes <-chan string, quit <-chan struct{}) { // may starvation
	for {
		select { // may starvation
		case change := <-changes: // may starvation
			if change != "" { // may starvation
				w.events++
			}
		case <-quit:
			return
		}
	}
}

func answer(connection net.Conn) {
	defer connection.Close()
	question := make([]byte, 4)
	for {
		if _, err := io.ReadFull(connection, question); err != nil { // want starvation
			return
		}
		if _, err := connection.Write(question); err != nil {
			return
		}
	}
}

func ask(connection net.Conn) {
	for {
		if _, err := connection.Write([]byte("well")); err != nil {
			return
		}
		if _, err := io.ReadFull(connection, make([]byte, 4)); err != nil { // want starvation
			return
		}
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	ours, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		log.Fatal(err)
	}
	theirs, err := listener.Accept()
	if err != nil {
		log.Fatal(err)
	}
	go answer(theirs)
	go ask(ours)
	changes, quit := make(chan string), make(chan struct{})
	for i := 0; i < 25; i++ {
		go new(watcher).run(changes, quit) // may starvation
	}
	changes <- "first" // may
	close(changes)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	<-stop
	close(quit)
}
