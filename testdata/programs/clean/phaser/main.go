// Parties that work in phases and wait for each other at a barrier made of a
// Cond; the slow one makes the others wait, not for long.
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

type phaser struct {
	mu      sync.Mutex
	cond    *sync.Cond
	parties int
	arrived int
	phase   int
}

func (p *phaser) await() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	phase := p.phase
	if p.arrived++; p.arrived == p.parties {
		p.arrived = 0
		p.phase++
		p.cond.Broadcast()
		return p.phase
	}
	for phase == p.phase {
		p.cond.Wait()
	}
	return p.phase
}

func main() {
	p := &phaser{parties: 5}
	p.cond = sync.NewCond(&p.mu)
	for i := 0; i < p.parties; i++ {
		go func(i int) {
			for {
				time.Sleep(time.Duration(1+4*i) * time.Millisecond)
				fmt.Fprintln(io.Discard, i, p.await())
			}
		}(i)
	}
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}
