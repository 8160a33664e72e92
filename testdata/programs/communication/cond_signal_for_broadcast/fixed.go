// Opening the gate wakes all.
//
// class: communication, Signal in place of Broadcast
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"
)

type gate struct {
	*sync.Cond
	open bool
}

func (g *gate) pass() {
	g.L.Lock()
	defer g.L.Unlock()
	for !g.open {
		g.Wait()
	}
}

func (g *gate) lift() {
	g.L.Lock()
	g.open = true
	g.L.Unlock()
	g.Broadcast()
}

func main() {
	g := &gate{Cond: sync.NewCond(new(sync.Mutex))}
	for i := 0; i < 5; i++ {
		go g.pass()
	}
	time.Sleep(50 * time.Millisecond)
	g.lift()
	go mailer()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
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
