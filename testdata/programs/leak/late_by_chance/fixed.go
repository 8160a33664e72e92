// There is room for a late answer.
//
// class: leak, abandoned request, by chance
package main

import (
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func lookup(name string, found chan<- int) {
	time.Sleep(time.Duration(rand.Intn(40)) * time.Millisecond)
	found <- len(name)
}

func resolve(name string) int {
	found := make(chan int, 1)
	go lookup(name, found)
	select {
	case length := <-found:
		return length
	case <-time.After(20 * time.Millisecond):
		return 0
	}
}

func main() {
	fmt.Println(resolve("example.org"))
	go gauges()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
