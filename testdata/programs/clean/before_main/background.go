package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// Coarse time, cheap to read.
var clock = startClock()

func startClock() *atomic.Int64 {
	now := new(atomic.Int64)
	go func() {
		for tick := range time.Tick(10 * time.Millisecond) {
			now.Store(tick.UnixMilli())
		}
	}()
	return now
}

// What is printed here is written by a goroutine that lives as long as the program.
var background = startPrinter()

type printer struct {
	lines   chan string
	flushes chan chan struct{}
}

func startPrinter() *printer {
	p := &printer{lines: make(chan string, 100), flushes: make(chan chan struct{})}
	go p.loop()
	return p
}

func (p *printer) print(line string) { p.lines <- line }

// flush returns when all that was printed before is written.
func (p *printer) flush() {
	done := make(chan struct{})
	p.flushes <- done
	<-done
}

func (p *printer) loop() {
	for {
		select {
		case line := <-p.lines:
			fmt.Fprintln(io.Discard, line)
		case done := <-p.flushes:
			for len(p.lines) > 0 {
				fmt.Fprintln(io.Discard, <-p.lines)
			}
			close(done)
		}
	}
}

func init() {
	background.print("packages are ready")
	background.flush()
}
