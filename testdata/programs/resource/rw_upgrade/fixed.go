// The read lock is given back first, and the entry looked up once more under
// the write lock.
//
// class: resource, RWMutex upgrade
package main

import (
	"bytes"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type thumbnails struct {
	mu     sync.RWMutex
	images map[string][]byte
}

func (t *thumbnails) get(name string) []byte {
	t.mu.RLock()
	if image, ok := t.images[name]; ok {
		t.mu.RUnlock()
		return image
	}
	t.mu.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if image, ok := t.images[name]; ok {
		return image
	}
	image := bytes.Repeat([]byte(name), 16)
	t.images[name] = image
	return image
}

func main() {
	t := &thumbnails{images: map[string][]byte{"cat": []byte("cat")}}
	requests := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for name := range requests {
				t.get(name)
			}
		}()
	}
	for _, name := range []string{"cat", "cat", "dog", "cat", "cat"} {
		requests <- name
		time.Sleep(20 * time.Millisecond)
	}
	close(requests)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
