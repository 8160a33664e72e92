// One loop hashes, and it rests after each piece.
//
// class: starvation, runnable and not run
package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"
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

func index(documents int) (words int) {
	for n := 0; n < documents; n++ {
		words += len(strings.Fields("the quick brown fox"))
		runtime.Gosched()
	}
	return words
}

func main() {
	runtime.GOMAXPROCS(1)
	c := new(checksums)
	go c.hash(1)
	go func() {
		for {
			fmt.Fprintln(io.Discard, index(100))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	select {}
}
