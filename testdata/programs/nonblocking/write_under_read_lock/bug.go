// The hit count is raised under the read lock, which many may hold at once.
//
// class: nonblocking, data race, RWMutex
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"
)

type shelf struct {
	mu    sync.RWMutex
	books map[string]bool
	asked int
}

func (s *shelf) has(title string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.asked++ // want data_race
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
