// Update holds the write lock and calls a reader of the same generic table.
//
// class: resource, double lock, RWMutex
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

type table[K comparable, V any] struct {
	mu   sync.RWMutex
	rows map[K]V
}

func (t *table[K, V]) Get(key K) (V, bool) {
	t.mu.RLock() // want deadlock 1+
	defer t.mu.RUnlock()
	row, ok := t.rows[key]
	return row, ok
}

func (t *table[K, V]) Update(key K, change func(V) V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if row, ok := t.Get(key); ok {
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
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
