// Tickers of different pace; the slowest has not ticked yet, and one is reset
// while it is waited for.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"time"
)

type meter struct {
	name  string
	every time.Duration
	reads atomic.Int64
}

func (m *meter) run(ctx context.Context) {
	ticker := time.NewTicker(m.every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.reads.Add(1)
			if m.reads.Load() == 10 {
				ticker.Reset(2 * m.every)
			}
		case <-ctx.Done():
			return
		}
	}
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	for _, every := range []time.Duration{3 * time.Millisecond, 40 * time.Millisecond, time.Second, time.Hour} {
		go (&meter{name: every.String(), every: every}).run(ctx)
	}
	<-ctx.Done()
}
