// As many hash loops as there are processors, and others who have to do now and
// then: busy, and everybody is served.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"time"
)

func hash(seed string, sums chan<- string) {
	for {
		sum := sha256.Sum256([]byte(seed))
		for i := 0; i < 2000; i++ {
			sum = sha256.Sum256(sum[:])
		}
		seed = hex.EncodeToString(sum[:])
		sums <- seed
		time.Sleep(time.Millisecond)
	}
}

func main() {
	sums := make(chan string)
	for i := 0; i < runtime.GOMAXPROCS(0); i++ {
		go hash(fmt.Sprint("seed ", i), sums)
	}
	go func() {
		for range time.Tick(10 * time.Millisecond) {
			fmt.Fprintln(io.Discard, "tick")
		}
	}()
	for sum := range sums {
		fmt.Fprintln(io.Discard, sum)
	}
}
