// The export formats everything under the lock, which takes more than a second;
// those who want to add a line wait as long.
//
// class: starvation, long critical section
package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type measurements struct {
	mu     sync.Mutex
	values []int
}

func (m *measurements) add(value int) {
	m.mu.Lock() // want long_block 3
	defer m.mu.Unlock()
	m.values = append(m.values, value)
}

func (m *measurements) export() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range m.values[:4] {
		time.Sleep(350 * time.Millisecond)
	}
}

func main() {
	m := &measurements{values: []int{3, 1, 4, 1}}
	go func() {
		for {
			m.export()
			time.Sleep(100 * time.Millisecond)
		}
	}()
	time.Sleep(20 * time.Millisecond)
	for sensor := 0; sensor < 3; sensor++ {
		go func(sensor int) {
			for {
				m.add(sensor)
				time.Sleep(30 * time.Millisecond)
			}
		}(sensor)
	}
	go batches()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Every batch ends before the next begins.
func batches() {
	for n := 0; ; n++ {
		var parts sync.WaitGroup
		for part := 0; part < 3; part++ {
			parts.Add(1)
			go func(part int) {
				defer parts.Done()
				time.Sleep(time.Duration(part) * time.Millisecond)
			}(part)
		}
		parts.Wait()
		time.Sleep(20 * time.Millisecond)
	}
}
