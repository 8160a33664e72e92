// The buffer is sent over a channel and then filled anew, while the receiver
// still reads it.
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
	block := make([]byte, 4)
	for n := 0; n < blocks; n++ {
		block[0] = byte(n) // want data_race
		out <- block
		time.Sleep(10 * time.Millisecond)
	}
	close(out)
}

func sum(in <-chan []byte) {
	total := 0
	for block := range in {
		time.Sleep(5 * time.Millisecond)
		total += int(block[0]) // want data_race
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
