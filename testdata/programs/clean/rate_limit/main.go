// A token bucket: callers wait for a token for a while, every one of them gets
// one in the end.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type bucket struct{ tokens chan struct{} }

func newBucket(burst int, every time.Duration) *bucket {
	b := &bucket{tokens: make(chan struct{}, burst)}
	go func() {
		for range time.Tick(every) {
			select {
			case b.tokens <- struct{}{}:
			default:
			}
		}
	}()
	return b
}

func (b *bucket) wait(ctx context.Context) error {
	select {
	case <-b.tokens:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func caller(b *bucket) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		_ = b.wait(ctx)
		cancel()
		time.Sleep(10 * time.Millisecond)
	}
}

func main() {
	b := newBucket(5, 4*time.Millisecond)
	for i := 0; i < 6; i++ {
		go caller(b)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
