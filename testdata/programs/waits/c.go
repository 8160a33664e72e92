//go:build cgo && !race

package main

// #include <unistd.h>
// static void wait_in_c(void) { for (;;) pause(); }
import "C"

// One goroutine is in C and never comes back.
func inC() { go callsC() }

func callsC() { C.wait_in_c() }
