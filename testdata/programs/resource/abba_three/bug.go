// Orders, stock and invoices each lock their own part and then the next one's:
// a circle of three.
//
// class: resource, AB-BA, three locks
package main

import (
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

type shop struct {
	orders, stock, invoices sync.Mutex
	moves                   atomic.Int64
}

func (s *shop) place() {
	s.orders.Lock()
	defer s.orders.Unlock()
	time.Sleep(60 * time.Millisecond)
	s.stock.Lock() // want deadlock
	defer s.stock.Unlock()
	s.moves.Add(1)
}

func (s *shop) ship() {
	s.stock.Lock()
	defer s.stock.Unlock()
	time.Sleep(60 * time.Millisecond)
	s.invoices.Lock() // want deadlock
	defer s.invoices.Unlock()
	s.moves.Add(1)
}

func (s *shop) bill() {
	s.invoices.Lock()
	defer s.invoices.Unlock()
	time.Sleep(60 * time.Millisecond)
	s.orders.Lock() // want deadlock
	defer s.orders.Unlock()
	s.moves.Add(1)
}

func main() {
	s := new(shop)
	for _, step := range []func(){s.place, s.ship, s.bill} {
		go step()
	}
	go janitor(make(chan struct{}, 1))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}

// Sweeps when there is something to sweep, and at the latest after a while.
func janitor(dirty chan struct{}) {
	sweeps := 0
	for {
		select {
		case <-dirty:
			sweeps++
		case <-time.After(40 * time.Millisecond):
			dirty <- struct{}{}
		}
	}
}
