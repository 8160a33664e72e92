// Thirty hash loops share one processor with the indexer, which is polite and
// offers its turn after each document: it gets it back when all thirty have had
// theirs, more than half a second later.
//
// class: starvation, runnable and not run
package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
)

type checksums struct{ pieces atomic.Int64 }

func (c *checksums) hash(seed uint32) { // may starvation
	for {
		seed = seed*1664525 + 1013904223 // may starvation
		if seed == 0 {                   // may starvation
			c.pieces.Add(1) // may starvation
		}
	}
}

func index(documents int) (words int) {
	for n := 0; n < documents; n++ {
		words += len(strings.Fields("the quick brown fox"))
		runtime.Gosched() // want starvation
	}
	return words
}

func main() {
	runtime.GOMAXPROCS(1)
	c := new(checksums)
	for seed := uint32(0); seed < 30; seed++ {
		go c.hash(seed) // may starvation
	}
	go func() {
		for {
			fmt.Fprintln(io.Discard, index(100))
		}
	}()
	select {}
}
