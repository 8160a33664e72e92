// One loop hashes, and it rests after each piece.
//
// class: starvation, runnable and not run
package main

import (
	"runtime"
	"sync/atomic"
	"time"
)

type checksums struct{ pieces atomic.Int64 }

func (c *checksums) hash(seed uint32) {
	for {
		for i := 0; i < 1000; i++ {
			seed = seed*1664525 + 1013904223
		}
		c.pieces.Add(1)
		time.Sleep(5 * time.Millisecond)
	}
}

func answer(questions <-chan int, answers chan<- int) {
	for question := range questions {
		answers <- question + 1
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	questions, answers := make(chan int), make(chan int)
	go answer(questions, answers)
	c := new(checksums)
	go c.hash(1)
	for question := 0; ; question++ {
		questions <- question
		<-answers
		time.Sleep(10 * time.Millisecond)
	}
}
