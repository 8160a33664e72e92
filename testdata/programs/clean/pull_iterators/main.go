// Iterators that are pulled: each runs in a coroutine that rests between two
// values. One of them is never finished, and stays at its first value; that is
// allowed, its stop function is still to be called.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type tree struct {
	left, right *tree
	key         int
}

// walk yields the keys in order.
func (t *tree) walk(yield func(int) bool) bool {
	return t == nil || t.left.walk(yield) && yield(t.key) && t.right.walk(yield)
}

func grow(low, high int) *tree {
	if low >= high {
		return nil
	}
	middle := (low + high) / 2
	return &tree{grow(low, middle), grow(middle+1, high), middle}
}

// zip walks two trees at once.
func zip(a, b *tree) (pairs int) {
	left, stopLeft := pull(func(yield func(int) bool) { a.walk(yield) })
	defer stopLeft()
	right, stopRight := pull(func(yield func(int) bool) { b.walk(yield) })
	defer stopRight()
	for {
		_, more := left()
		_, other := right()
		if !more || !other {
			return pairs
		}
		pairs++
	}
}

func main() {
	numbers := grow(0, 100)
	next, end := pull(func(yield func(int) bool) { numbers.walk(yield) })
	defer end()
	fmt.Println(next())
	go func() {
		for {
			fmt.Fprintln(io.Discard, zip(numbers, grow(0, 60)))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
