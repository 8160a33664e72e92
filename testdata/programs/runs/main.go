// Two goroutines that run when the program dies: one computes for ever, and the
// first panics when a line comes. After "ready" that is so.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
)

var sum int

func main() {
	runtime.GOMAXPROCS(2)
	begun := make(chan bool)
	go compute(begun)
	<-begun
	fmt.Println("ready")
	bufio.NewScanner(os.Stdin).Scan()
	fail()
}

func compute(begun chan bool) {
	begun <- true
	for {
		turn()
	}
}

//go:noinline
func turn() {
	for i := 0; i < 1<<40; i++ {
		sum += i
	}
}

//go:noinline
func fail() { panic("as asked") }
