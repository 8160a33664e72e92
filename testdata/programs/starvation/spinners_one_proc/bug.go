// Sixty hash loops share one processor with the ones that answer requests: an
// answer is ready to go and waits for its turn for more than half a second,
// each time.
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
		seed = seed*1664525 + 1013904223 // may starvation
		if seed == 0 {                   // may starvation
			c.pieces.Add(1)
		}
	}
}

func answer(questions <-chan int, answers chan<- int) {
	for question := range questions { // want starvation
		answers <- question + 1 // may starvation
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	questions, answers := make(chan int), make(chan int)
	go answer(questions, answers)
	c := new(checksums)
	for seed := uint32(0); seed < 60; seed++ {
		go c.hash(seed)
	}
	for question := 0; ; question++ {
		questions <- question             // may starvation
		<-answers                         // may starvation
		time.Sleep(10 * time.Millisecond) // may starvation
	}
}
