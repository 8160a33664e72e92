// Bursts has goroutines left behind by calls that are long over, and whose stack frames
// nobody has written over since: what they refer to still stands on main's stack, below
// all that is in use. main works for some milliseconds and sleeps for some more, again
// and again, and so often runs when one looks.
//
// Test of leaks: what still stands there hides none of them.
//
// It prints "ready" when they wait. Usage: bursts [WORK SLEEP]
package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

const left = 24

type box struct {
	sync.Mutex
	next    *box
	answers chan int
}

var sum uint64

func main() {
	work, rest := 10*time.Millisecond, 40*time.Millisecond
	if len(os.Args) == 3 {
		work, _ = time.ParseDuration(os.Args[1])
		rest, _ = time.ParseDuration(os.Args[2])
	}
	fmt.Println("warm")
	deeper(200, left)
	time.Sleep(100 * time.Millisecond)
	os.Stdout.WriteString("ready\n")
	for {
		time.Sleep(rest)
		for start := time.Now(); time.Since(start) < work; {
			sum = sum*31 + 7
		}
	}
}

// deeper leaves goroutines behind from calls that lie deep in the stack.
//
//go:noinline
func deeper(depth, n int) {
	if depth > 0 {
		deeper(depth-1, n)
		return
	}
	leave(n)
}

//go:noinline
func leave(n int) {
	if n == 0 {
		return
	}
	one := &box{answers: make(chan int)}
	one.next = &box{answers: make(chan int)}
	if n%2 == 0 {
		go func() { <-one.next.answers }()
	} else {
		one.next.Lock()
		go func() { one.next.Lock() }()
	}
	leave(n - 1)
	sum += uint64(cap(one.answers))
}
