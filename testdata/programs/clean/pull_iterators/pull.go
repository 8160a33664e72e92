//go:build go1.23

package main

import "iter"

func pull(sequence func(yield func(int) bool)) (next func() (int, bool), stop func()) {
	return iter.Pull(iter.Seq[int](sequence))
}
