// The reader closes its end, and the writer gets an error.
//
// class: communication, io.Pipe without reader
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

func export(out *io.PipeWriter) {
	defer out.Close()
	for row := 0; row < 100; row++ {
		if _, err := fmt.Fprintf(out, "row %d\n", row); err != nil {
			return
		}
	}
}

func header() string {
	in, out := io.Pipe()
	go export(out)
	defer in.Close()
	line, _ := bufio.NewReaderSize(in, 16).ReadString('\n')
	return strings.TrimSpace(line)
}

func main() {
	fmt.Println(header())
	go uptime(time.Now())
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}

type gauge struct {
	sync.RWMutex
	value int
}

func gauges() {
	level := new(gauge)
	for i := 0; i < 2; i++ {
		go func() {
			for {
				level.Lock()
				level.value++
				level.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		}()
	}
	for range time.Tick(25 * time.Millisecond) {
		level.RLock()
		fmt.Fprintln(io.Discard, level.value)
		level.RUnlock()
	}
}
