//go:build go1.23

package main

import (
	"context"
	"iter"
)

// switches gives its thread to a coroutine and back.
func switches(ctx context.Context) {
	for more(ctx) {
		next, stop := iter.Pull(func(yield func(int) bool) {
			for n := 0; n < 100 && yield(n); n++ {
			}
		})
		for range 100 {
			next()
		}
		stop()
	}
}
