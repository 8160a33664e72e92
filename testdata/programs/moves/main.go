// Command moves parks goroutines on channels that are always in somebody's reach,
// and never for long in the same place: in a map, a closure, another channel, a
// timer, a finalizer, a cleanup, the stack of a goroutine that runs.
//
// Test of links: none of them may be taken for out of reach.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

// A place holds a channel for a while.
type place interface {
	put(c chan int)
	take() chan int
}

type inMap struct {
	mu   sync.Mutex
	held map[int]chan int
	next int
}

func (m *inMap) put(c chan int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.next++
	m.held[m.next%1024] = c
}

func (m *inMap) take() chan int {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, c := range m.held {
		delete(m.held, key)
		return c
	}
	return nil
}

type inClosure struct {
	mu   sync.Mutex
	held []func() chan int
}

func (p *inClosure) put(c chan int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = append(p.held, func() chan int { return c })
}

func (p *inClosure) take() chan int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.held) == 0 {
		return nil
	}
	last := p.held[len(p.held)-1]
	p.held[len(p.held)-1] = nil
	p.held = p.held[:len(p.held)-1]
	return last()
}

type inChannel struct{ held chan chan int }

func (p inChannel) put(c chan int) { p.held <- c }

func (p inChannel) take() chan int {
	select {
	case c := <-p.held:
		return c
	default:
		return nil
	}
}

type inTimer struct{ back inChannel }

func (p inTimer) put(c chan int) { time.AfterFunc(3*time.Millisecond, func() { p.back.put(c) }) }
func (p inTimer) take() chan int { return p.back.take() }

type inFinalizer struct{ back inChannel }

type kept struct {
	c    chan int
	more [4]*int
}

func (p inFinalizer) put(c chan int) {
	runtime.SetFinalizer(&kept{c: c}, func(k *kept) { p.back.put(k.c) })
}

func (p inFinalizer) take() chan int { return p.back.take() }

// Places that not every release has.
var more []func(back inChannel) place

func main() {
	const goroutines = 200
	back := func() inChannel { return inChannel{make(chan chan int, goroutines)} }
	places := []place{
		&inMap{held: map[int]chan int{}}, &inClosure{}, back(), inTimer{back()}, inFinalizer{back()},
	}
	for _, place := range more {
		places = append(places, place(back()))
	}
	for i := 0; i < goroutines; i++ {
		c := make(chan int)
		go func() {
			for {
				<-c
			}
		}()
		places[i%len(places)].put(c)
	}
	for worker := 0; worker < 3; worker++ {
		go func() {
			for round := worker; ; round++ {
				c := places[round%len(places)].take()
				if c == nil {
					time.Sleep(50 * time.Microsecond)
					continue
				}
				if round%97 == 0 {
					c <- round
				}
				places[(round/7)%len(places)].put(c)
				if round%64 == 0 {
					time.Sleep(time.Millisecond)
				}
			}
		}()
	}
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			runtime.GC()
		}
	}()
	fmt.Println("ready")
	_, _ = os.Stdin.Read(make([]byte, 1))
}
