// Parkers parks at a set rate: many goroutines wait, each for its own channel,
// and a few wakers hand out tokens by the clock. Every token is one park, one
// ready, and a fixed piece of work.
//
// Each interval it prints a line: the nanoseconds since its start, the tokens
// handled so far (each made its goroutine park again), the process's CPU
// nanoseconds so far.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

var handled atomic.Uint64

var sink atomic.Uint64

func main() {
	goroutines := flag.Int("goroutines", 10000, "how many wait")
	rate := flag.Int("rate", 20000, "parks a second; 0: as fast as it goes")
	work := flag.Int("work", 200, "rounds of work a token")
	procs := flag.Int("procs", 0, "GOMAXPROCS; 0: all")
	tokens := flag.Uint64("tokens", 0, "end after so many tokens; 0: never")
	duration := flag.Duration("duration", 0, "end after this; 0: never")
	interval := flag.Duration("interval", time.Second, "time between lines")
	flag.Parse()
	if *procs > 0 {
		runtime.GOMAXPROCS(*procs)
	}

	channels := make([]chan struct{}, *goroutines)
	for i := range channels {
		channels[i] = make(chan struct{})
		go wait(channels[i], *work)
	}
	start := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		hand(channels, *rate, *tokens, *duration)
	}()
	ticker := time.NewTicker(*interval)
	for {
		select {
		case <-ticker.C:
			report(start)
		case <-done:
			for *tokens != 0 && handled.Load() < *tokens {
				time.Sleep(time.Millisecond)
			}
			report(start)
			return
		}
	}
}

func report(start time.Time) {
	fmt.Printf("ns=%d tokens=%d cpu_ns=%d\n", time.Since(start).Nanoseconds(), handled.Load(), cpu())
}

// wait parks until a token comes, works, and parks again.
func wait(tokens <-chan struct{}, work int) {
	for range tokens {
		sum := uint64(1)
		for i := 0; i < work; i++ {
			sum = sum*6364136223846793005 + 1442695040888963407
		}
		sink.Store(sum)
		handled.Add(1)
	}
}

// hand gives out tokens in turn, as many as the clock says are due.
func hand(channels []chan struct{}, rate int, limit uint64, duration time.Duration) {
	start := time.Now()
	for given := uint64(0); limit == 0 || given < limit; {
		elapsed := time.Since(start)
		if duration != 0 && elapsed >= duration {
			return
		}
		due := given + 64
		if rate > 0 {
			due = uint64(elapsed.Seconds() * float64(rate))
		}
		for ; given < due && (limit == 0 || given < limit); given++ {
			channels[given%uint64(len(channels))] <- struct{}{}
		}
		if rate > 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// cpu is the CPU time of the process, in nanoseconds.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
