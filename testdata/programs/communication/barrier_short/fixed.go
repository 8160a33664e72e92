// It counts who takes part.
//
// class: communication, barrier with a party missing
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

type barrier struct {
	mu       sync.Mutex
	expected int
	arrived  int
	all      chan struct{}
}

func (b *barrier) await() {
	b.mu.Lock()
	b.arrived++
	if b.arrived == b.expected {
		close(b.all)
	}
	b.mu.Unlock()
	<-b.all
}

func main() {
	rows := []int{40, 25, 0, 33}
	b := &barrier{expected: 3, all: make(chan struct{})}
	for _, n := range rows {
		go func(n int) {
			if n == 0 {
				return
			}
			time.Sleep(time.Duration(n) * time.Millisecond)
			b.await()
			fmt.Println("second phase", n)
		}(n)
	}
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
