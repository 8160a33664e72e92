// The goroutine gives it back when it is through.
//
// class: nonblocking, data race, sync.Pool
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type line struct {
	text [16]byte
	used int
}

type logger struct{ lines sync.Pool }

func (l *logger) log(text string) {
	one := l.lines.Get().(*line)
	one.used = copy(one.text[:], text)
	go func() {
		time.Sleep(15 * time.Millisecond)
		fmt.Fprintln(io.Discard, one.used)
		l.lines.Put(one)
	}()
}

func main() {
	l := new(logger)
	l.lines.New = func() any { return new(line) }
	for i := 0; i < 5; i++ {
		l.log(fmt.Sprint("line ", i))
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
