// The count is atomic.
//
// class: nonblocking, data race, RWMutex
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"
)

type shelf struct {
	mu    sync.RWMutex
	books map[string]bool
	asked atomic.Int32
}

func (s *shelf) has(title string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.asked.Add(1)
	time.Sleep(10 * time.Millisecond)
	return s.books[title]
}

func main() {
	s := &shelf{books: map[string]bool{"Emma": true}}
	for _, title := range []string{"Emma", "Persuasion"} {
		go func(title string) { fmt.Println(title, s.has(title)) }(title)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
}
