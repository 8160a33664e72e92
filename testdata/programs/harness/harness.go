// Lets a program of the corpus be traced and looked at without a change to it.
// It is laid in beside the program's own files when that is built (README.md
// says how), and does nothing unless one of these is in the environment:
//
//	BINGO_TRACE=FILE     an execution trace of the run, from before main on
//	BINGO_STAY=DURATION  the process lives so long, then exits with 0
//
//	BINGO_STACKS=1       at its end it prints all goroutines on its standard error
//
// With BINGO_TRACE alone it stays three seconds. It has no goroutine of its own
// while it waits: a timer is pending, and that also keeps the runtime from
// ending a program all of whose goroutines are asleep.
package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"
	"time"
)

func init() {
	file, duration := os.Getenv("BINGO_TRACE"), os.Getenv("BINGO_STAY")
	if file == "" && duration == "" {
		return
	}
	refuse := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "harness:", err)
			os.Exit(2)
		}
	}
	stay := 3 * time.Second
	if duration != "" {
		var err error
		stay, err = time.ParseDuration(duration)
		refuse(err)
	}
	end := func() {
		if os.Getenv("BINGO_STACKS") != "" {
			refuse(pprof.Lookup("goroutine").WriteTo(os.Stderr, 2))
		}
		os.Exit(0)
	}
	if file != "" {
		out, err := os.Create(file)
		refuse(err)
		refuse(trace.Start(out))
		exit := end
		end = func() {
			trace.Stop()
			refuse(out.Close())
			exit()
		}
	}
	time.AfterFunc(stay, end)
}
