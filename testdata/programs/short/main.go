// Lives for a moment: starts goroutines, leaves one behind, and ends as it is told.
package main

import (
	"fmt"
	"os"
)

func main() {
	done := make(chan int)
	go worker(done)
	<-done
	if len(os.Args) > 1 {
		fmt.Println(os.Args[1:])
		panic(os.Args[1])
	}
	os.Exit(4)
}

func worker(done chan int) {
	unread := make(chan int)
	go func() { unread <- 1 }()
	done <- 1
}
