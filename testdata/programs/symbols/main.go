// Prints what the runtime itself says of code addresses, for comparison.
//
// Usage: symbols MAIN LOW HIGH STEP (hexadecimal, addresses as the file states
// them; MAIN is the entry of main.main). It prints the stacks of several calls,
// a frame a line, then for the addresses from LOW to HIGH, each STEP-th, runs of
// equal innermost frames. Addresses are printed as the file states them.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
)

var (
	out  = bufio.NewWriter(os.Stdout)
	bias uintptr
)

func main() {
	entry := address(1)
	bias = reflect.ValueOf(main).Pointer() - entry
	stacks()
	sweep(address(2), address(3), address(4))
	out.Flush()
}

func address(arg int) uintptr {
	n, err := strconv.ParseUint(os.Args[arg], 16, 64)
	if err != nil {
		panic(err)
	}
	return uintptr(n)
}

// sweep prints: R first last function file line
func sweep(low, high, step uintptr) {
	first, last, before := uintptr(0), uintptr(0), ""
	for pc := low; pc < high; pc += step {
		if runtime.FuncForPC(pc+bias) == nil {
			continue
		}
		// A return address: the runtime looks up the byte before it.
		frame, _ := runtime.CallersFrames([]uintptr{pc + bias + 1}).Next()
		now := fmt.Sprintf("%s\t%s\t%d", frame.Function, frame.File, frame.Line)
		if now != before {
			if before != "" {
				fmt.Fprintf(out, "R\t%x\t%x\t%s\n", first, last, before)
			}
			first, before = pc, now
		}
		last = pc
	}
	fmt.Fprintf(out, "R\t%x\t%x\t%s\n", first, last, before)
}

// report prints the caller's stack: S name, then F pc function file line
func report(name string) {
	pcs := make([]uintptr, 64)
	pcs = pcs[:runtime.Callers(2, pcs)]
	frames := runtime.CallersFrames(pcs)
	fmt.Fprintf(out, "S\t%s\n", name)
	for i := 0; ; i++ {
		frame, more := frames.Next()
		if frame.PC == 0 {
			break
		}
		fmt.Fprintf(out, "F\t%x\t%s\t%s\t%d\n", pcs[i]-bias, frame.Function, frame.File, frame.Line)
		if !more {
			break
		}
	}
}

func stacks() {
	outer(1)
	generic[int]("generic")
	generic[map[string][]int]("generic of brackets")
	l := list[string]{}
	l.each(func() { report("generic method") })
	l.nested()
	var s speaker = dog{animal{"rex"}}
	s.speak()
	f := s.speak
	f()
	(*dog).speak(&dog{animal{"method expression"}})
	func() { func() { report("closures") }() }()
	defers()
	panics()
	var nilDog *dog
	nilPanics(nilDog)
	done := make(chan bool)
	go func() { report("goroutine"); done <- true }()
	<-done
	go strings.Map(func(r rune) rune { report("standard library"); close(done); return r }, "x")
	<-done
}

// Three calls that the compiler inlines into one.
func outer(n int)  { middle(n + 1) }
func middle(n int) { inner(n + 1) }
func inner(n int)  { report("inlined" + strconv.Itoa(n)) }

//go:noinline
func generic[T any](name string) {
	var zero T
	_ = zero
	report(name)
}

type list[T any] struct{ items []T }

//go:noinline
func (l *list[T]) each(f func()) { f() }

//go:noinline
func (l *list[T]) nested() {
	f := func() { generic[list[T]]("generic in generic method") }
	f()
}

type speaker interface{ speak() }

type animal struct{ name string }

func (a animal) speak() { report("embedded " + a.name) }

type dog struct{ animal }

//go:noinline
func defers() {
	defer func() { report("deferred") }()
	defer report("deferred directly")
}

//go:noinline
func panics() {
	defer func() {
		report("panicking")
		recover()
	}()
	panic("now")
}

//go:noinline
func nilPanics(s speaker) {
	defer func() {
		report("wrapper that panicked")
		recover()
	}()
	s.speak()
}
