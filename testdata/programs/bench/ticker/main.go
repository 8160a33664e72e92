// Ticker shows whether anybody stops it: a goroutine looks at the clock all
// the time, on a thread of its own, and remembers the longest gaps, while many
// others wait with stacks of some depth.
//
// Each interval it prints a line: the nanoseconds since its start, the longest
// gap between two looks at the clock in that interval, and how many gaps were
// over one millisecond and over ten.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"time"
)

func main() {
	goroutines := flag.Int("goroutines", 100000, "how many wait")
	depth := flag.Int("depth", 8, "calls on the stack of each")
	duration := flag.Duration("duration", 0, "end after this; 0: never")
	interval := flag.Duration("interval", time.Second, "time between lines")
	pause := flag.Duration("pause", time.Millisecond, "sleep between two looks; 0: none")
	flag.Parse()

	never := make(chan struct{})
	for i := 0; i < *goroutines; i++ {
		go nest(*depth, never)
	}
	// All of them are parked when each has run once.
	for i := 0; i < 10; i++ {
		runtime.Gosched()
		time.Sleep(10 * time.Millisecond)
	}
	runtime.GC()
	fmt.Printf("ready goroutines=%d\n", runtime.NumGoroutine())

	runtime.LockOSThread()
	start := time.Now()
	last, since := start, start
	var longest time.Duration
	var over1, over10 int
	for *duration == 0 || last.Sub(start) < *duration {
		if *pause > 0 {
			time.Sleep(*pause)
		}
		now := time.Now()
		gap := now.Sub(last) - *pause
		last = now
		if gap > longest {
			longest = gap
		}
		if gap > time.Millisecond {
			over1++
		}
		if gap > 10*time.Millisecond {
			over10++
		}
		if now.Sub(since) >= *interval {
			fmt.Printf("ns=%d longest_gap_ns=%d over_1ms=%d over_10ms=%d\n",
				now.Sub(start).Nanoseconds(), longest.Nanoseconds(), over1, over10)
			since, longest, over1, over10 = now, 0, 0, 0
		}
	}
}

//go:noinline
func nest(depth int, never <-chan struct{}) int {
	if depth == 0 {
		<-never
		return 0
	}
	return nest(depth-1, never) + 1
}
