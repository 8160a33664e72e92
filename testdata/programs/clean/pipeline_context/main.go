// A pipeline of three stages, each of which selects between its work and the
// context's end. It is cancelled and built anew, again and again.
package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

func numbers(ctx context.Context) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for n := 1; ; n++ {
			select {
			case out <- n:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func square(ctx context.Context, in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for n := range in {
			select {
			case out <- n * n:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func first(count int) (sum int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	squares := square(ctx, numbers(ctx))
	for i := 0; i < count; i++ {
		sum += <-squares
	}
	return sum
}

func main() {
	for round := 1; ; round++ {
		fmt.Fprintln(io.Discard, first(round%20))
		time.Sleep(10 * time.Millisecond)
	}
}
