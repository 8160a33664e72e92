// A cache with many readers and a writer now and then, and a janitor that
// sleeps for most of the time.
package main

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type entry struct {
	value   string
	expires time.Time
}

type cache[K comparable] struct {
	mu      sync.RWMutex
	entries map[K]entry
	hits    atomic.Int64
}

func (c *cache[K]) get(key K) (string, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	if ok {
		c.hits.Add(1)
	}
	return e.value, ok
}

func (c *cache[K]) set(key K, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = entry{value, time.Now().Add(30 * time.Millisecond)}
}

func (c *cache[K]) sweep() {
	for now := range time.Tick(50 * time.Millisecond) {
		c.mu.Lock()
		for key, e := range c.entries {
			if e.expires.Before(now) {
				delete(c.entries, key)
			}
		}
		c.mu.Unlock()
	}
}

func main() {
	c := &cache[int]{entries: make(map[int]entry)}
	go c.sweep()
	for i := 0; i < 8; i++ {
		go func(i int) {
			for key := i; ; key = (key + 7) % 100 {
				if _, ok := c.get(key); !ok {
					c.set(key, strconv.Itoa(key))
				}
				time.Sleep(500 * time.Microsecond)
			}
		}(i)
	}
	select {}
}
