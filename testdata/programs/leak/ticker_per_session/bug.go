// Every session starts a goroutine that renews its lease every few milliseconds
// and is never told that the session is over. They are awake now and then, and
// there are ever more of them.
//
// class: leak, ticker, growing
package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"time"
)

type session struct {
	id     int
	renews atomic.Int64
}

func (s *session) renew(ctx context.Context) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select { // want goroutine_leak 10+
		case <-ticker.C:
			s.renews.Add(1)
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) serve(ctx context.Context) {
	go s.renew(ctx)
	time.Sleep(30 * time.Millisecond)
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	for id := 0; ctx.Err() == nil; id++ {
		go (&session{id: id}).serve(ctx)
		time.Sleep(50 * time.Millisecond)
	}
}
