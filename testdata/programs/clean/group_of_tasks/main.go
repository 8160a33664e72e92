// A group like errgroup: the first error cancels the others, and Wait returns
// when all have left.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

type group struct {
	wait   sync.WaitGroup
	once   sync.Once
	cancel context.CancelCauseFunc
	err    error
}

func withContext(parent context.Context) (*group, context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	return &group{cancel: cancel}, ctx
}

func (g *group) Go(task func() error) {
	g.wait.Add(1)
	go func() {
		defer g.wait.Done()
		if err := task(); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel(err)
			})
		}
	}()
}

func (g *group) Wait() error {
	g.wait.Wait()
	g.cancel(g.err)
	return g.err
}

func deploy(ctx context.Context, hosts int) error {
	g, ctx := withContext(ctx)
	for host := 0; host < hosts; host++ {
		host := host
		g.Go(func() error {
			select {
			case <-time.After(time.Duration(host) * 4 * time.Millisecond):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			if host == 3 {
				return errors.New("host 3 is down")
			}
			return nil
		})
	}
	return g.Wait()
}

func main() {
	for round := 0; ; round++ {
		fmt.Fprintln(io.Discard, deploy(context.Background(), 2+round%6))
		time.Sleep(20 * time.Millisecond)
	}
}
