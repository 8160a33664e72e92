// A buffer is made for each.
//
// class: nonblocking, data race, buffer sent and reused
package main

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

func read(blocks int, out chan<- []byte) {
	for n := 0; n < blocks; n++ {
		block := make([]byte, 4)
		block[0] = byte(n)
		out <- block
		time.Sleep(10 * time.Millisecond)
	}
	close(out)
}

func sum(in <-chan []byte) {
	total := 0
	for block := range in {
		time.Sleep(5 * time.Millisecond)
		total += int(block[0])
	}
	fmt.Println(total)
}

func main() {
	blocks := make(chan []byte)
	go read(4, blocks)
	go sum(blocks)
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}
