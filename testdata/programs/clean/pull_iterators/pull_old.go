//go:build !go1.23

package main

import "sync"

// Before Go 1.23 a goroutine and two channels do what a coroutine does.
func pull(sequence func(yield func(int) bool)) (next func() (int, bool), stop func()) {
	values, wanted, ended := make(chan int), make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		defer close(values)
		wait := func() bool {
			select {
			case <-wanted:
				return true
			case <-ended:
				return false
			}
		}
		if wait() {
			sequence(func(value int) bool {
				values <- value
				return wait()
			})
		}
	}()
	next = func() (int, bool) {
		select {
		case wanted <- struct{}{}:
			value, more := <-values
			return value, more
		case value, more := <-values:
			return value, more
		}
	}
	return next, func() { once.Do(func() { close(ended) }) }
}
