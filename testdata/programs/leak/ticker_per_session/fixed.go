// The session's context ends it.
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
		select {
		case <-ticker.C:
			s.renews.Add(1)
		case <-ctx.Done():
			return
		}
	}
}

func (s *session) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
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
