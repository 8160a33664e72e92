// A download that fails returns before its Done, and the one that waits for all
// waits on.
//
// class: communication, WaitGroup, Done missing
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type mirror struct{ group sync.WaitGroup }

func (m *mirror) download(address string) error {
	if !strings.HasPrefix(address, "https:") {
		return errors.New("not secure: " + address)
	}
	time.Sleep(10 * time.Millisecond)
	m.group.Done()
	return nil
}

func (m *mirror) update(addresses ...string) {
	for _, address := range addresses {
		m.group.Add(1)
		go func(address string) { _ = m.download(address) }(address)
	}
	m.group.Wait() // want goroutine_leak
	fmt.Println("updated", len(addresses))
}

func main() {
	m := new(mirror)
	go m.update("https://a.example", "http://b.example", "https://c.example")
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
