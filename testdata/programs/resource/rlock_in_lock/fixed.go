// Update uses the map that it has locked already.
//
// class: resource, double lock, RWMutex
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type table[K comparable, V any] struct {
	mu   sync.RWMutex
	rows map[K]V
}

func (t *table[K, V]) Get(key K) (V, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	row, ok := t.rows[key]
	return row, ok
}

func (t *table[K, V]) Update(key K, change func(V) V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if row, ok := t.rows[key]; ok {
		t.rows[key] = change(row)
	}
}

func main() {
	stock := &table[string, int]{rows: map[string]int{"bolt": 12}}
	go stock.Update("bolt", func(n int) int { return n - 1 })
	time.Sleep(30 * time.Millisecond)
	for _, article := range []string{"bolt", "nut"} {
		article := article
		go func() {
			n, _ := stock.Get(article)
			fmt.Println(article, n)
		}()
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
