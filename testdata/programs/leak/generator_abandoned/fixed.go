// The comparison closes a channel that the walkers look at.
//
// class: leak, producer without consumer
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type tree struct {
	left, right *tree
	value       int
}

func insert(t *tree, value int) *tree {
	switch {
	case t == nil:
		return &tree{value: value}
	case value < t.value:
		t.left = insert(t.left, value)
	default:
		t.right = insert(t.right, value)
	}
	return t
}

func (t *tree) walk(out chan<- int, quit <-chan struct{}) bool {
	if t == nil {
		return true
	}
	if !t.left.walk(out, quit) {
		return false
	}
	select {
	case out <- t.value:
	case <-quit:
		return false
	}
	return t.right.walk(out, quit)
}

func same(a, b *tree) bool {
	quit := make(chan struct{})
	defer close(quit)
	left, right := make(chan int), make(chan int)
	go func() { a.walk(left, quit); close(left) }()
	go func() { b.walk(right, quit); close(right) }()
	for {
		x, more := <-left
		y, other := <-right
		if x != y || more != other {
			return false
		}
		if !more {
			return true
		}
	}
}

func main() {
	var a, b *tree
	for _, value := range []int{5, 2, 8, 1, 9} {
		a, b = insert(a, value), insert(b, value+value/5)
	}
	fmt.Println(same(a, a), same(a, b))
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

type gauge struct {
	sync.RWMutex
	value int
}

func gauges() {
	level := new(gauge)
	for i := 0; i < 2; i++ {
		go func() {
			for {
				level.Lock()
				level.value++
				level.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	for range time.Tick(25 * time.Millisecond) {
		level.RLock()
		fmt.Fprintln(io.Discard, level.value)
		level.RUnlock()
	}
}
