// One takes a slot and then the lock, the other the lock and then a slot, and
// there is one slot.
//
// class: mixed, semaphore and lock, AB-BA
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

type gateway struct {
	slot  chan struct{}
	table sync.Mutex
	calls int
}

func (g *gateway) call() {
	g.slot <- struct{}{}
	defer func() { <-g.slot }()
	time.Sleep(40 * time.Millisecond)
	g.table.Lock() // want deadlock
	defer g.table.Unlock()
	g.calls++
}

func (g *gateway) reload() {
	g.table.Lock()
	defer g.table.Unlock()
	time.Sleep(40 * time.Millisecond)
	g.slot <- struct{}{} // want deadlock
	defer func() { <-g.slot }()
	g.calls = 0
}

func main() {
	g := &gateway{slot: make(chan struct{}, 1)}
	go g.call()
	go g.reload()
	go mailer()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}

// The letters come now and then; in between the postmen are idle.
func mailer() {
	letters := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for letter := range letters {
				fmt.Fprintln(io.Discard, letter)
			}
		}()
	}
	for n := 0; ; n++ {
		letters <- fmt.Sprint("letter ", n)
		time.Sleep(15 * time.Millisecond)
	}
}
