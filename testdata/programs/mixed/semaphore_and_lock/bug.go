// One takes a slot and then the lock, the other the lock and then a slot, and
// there is one slot.
//
// class: mixed, semaphore and lock, AB-BA
package main

import (
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
	go kitchen()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.NotFoundHandler()))
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
