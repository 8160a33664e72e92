// Futures: a value that is computed once and may be asked for by many, or by
// nobody at all.
package main

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

type future[T any] struct {
	done  chan struct{}
	value T
}

func start[T any](compute func() T) *future[T] {
	f := &future[T]{done: make(chan struct{})}
	go func() {
		defer close(f.done)
		f.value = compute()
	}()
	return f
}

func (f *future[T]) get() T {
	<-f.done
	return f.value
}

func main() {
	for n := 0; ; n++ {
		square := start(func() int {
			time.Sleep(2 * time.Millisecond)
			return n * n
		})
		start(func() string { return "nobody asks" })
		text := start(func() string { return strconv.Itoa(square.get()) })
		fmt.Fprintln(io.Discard, text.get(), square.get())
		time.Sleep(3 * time.Millisecond)
	}
}
