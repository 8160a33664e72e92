// A program of the corpus as a test of its own package. It starts what main does and
// leaves that behind when BINGO_STAY is over; with BINGO_HANGS=1 it waits for main.
// With BINGO_STACKS=1 it prints all goroutines at its end.
package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"testing"
	"time"
)

func TestProgram(t *testing.T) {
	stay, err := time.ParseDuration(os.Getenv("BINGO_STAY"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("BINGO_HANGS") != "" {
		main()
		return
	}
	go main()
	time.Sleep(stay)
	if os.Getenv("BINGO_STACKS") != "" {
		if err := pprof.Lookup("goroutine").WriteTo(os.Stderr, 2); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(os.Stderr)
	}
}
