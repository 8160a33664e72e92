// The barrier expects four, and three come: the fourth had nothing to compute
// and left at once.
//
// class: communication, barrier with a party missing
package main

import (
	"context"
	"fmt"
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
	<-b.all // want goroutine_leak|deadlock 3
}

func main() {
	rows := []int{40, 25, 0, 33}
	b := &barrier{expected: len(rows), all: make(chan struct{})}
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
	go kitchen()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
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
