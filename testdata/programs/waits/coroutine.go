//go:build go1.23

package main

import "iter"

// A coroutine that has been started and not finished waits for its next turn.
func coroutines() {
	next, _ := iter.Pull(numbers)
	next()
	pulled = next
}

var pulled func() (int, bool)

func numbers(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}
