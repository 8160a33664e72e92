// Pingpong is the worst case for probes: pairs of goroutines that do nothing
// but hand a value to and fro over unbuffered channels, one pair a core.
//
// Each interval it prints a line: the kernel's monotonic clock, the nanoseconds
// since its start, the round trips so far, the process's CPU nanoseconds so far.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type pair struct {
	rounds atomic.Uint64
	_      [56]byte
}

func main() {
	procs := flag.Int("procs", 2, "GOMAXPROCS and the number of pairs")
	duration := flag.Duration("duration", 0, "end after this; 0: never")
	interval := flag.Duration("interval", time.Second, "time between lines")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)

	pairs := make([]pair, *procs)
	for i := range pairs {
		ping, pong := make(chan int), make(chan int)
		go serve(ping, pong)
		go hit(&pairs[i], ping, pong)
	}
	start := time.Now()
	for *duration == 0 || time.Since(start) < *duration {
		time.Sleep(*interval)
		var sum uint64
		for i := range pairs {
			sum += pairs[i].rounds.Load()
		}
		fmt.Printf("at=%d ns=%d rounds=%d cpu_ns=%d\n", monotonic(), time.Since(start).Nanoseconds(), sum, cpu())
	}
}

func serve(ping <-chan int, pong chan<- int) {
	for v := range ping {
		pong <- v
	}
}

func hit(p *pair, ping chan<- int, pong <-chan int) {
	for {
		ping <- 1
		<-pong
		p.rounds.Add(1)
	}
}

// monotonic is the clock that probes read too.
func monotonic() int64 {
	const clockMonotonic = 1
	var now syscall.Timespec
	_, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&now)), 0)
	if err != 0 {
		return 0
	}
	return now.Nano()
}

// cpu is the CPU time of the process, in nanoseconds.
func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
