// The group's Wait returns with the first error, and its caller with it; the
// others are blocked on a channel that the caller was to read.
//
// class: leak, errgroup-like, early return
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type group struct {
	ctx    context.Context
	cancel context.CancelFunc
	once   sync.Once
	err    error
}

func newGroup() *group {
	g := new(group)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

func (g *group) Go(f func(context.Context) error) {
	go func() {
		if err := f(g.ctx); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel()
			})
		}
	}()
}

func (g *group) Wait() error {
	<-g.ctx.Done()
	return g.err
}

func stat(files []string) error {
	sizes := make(chan int)
	g := newGroup()
	for i, file := range files {
		size, file := i, file
		g.Go(func(ctx context.Context) error {
			if strings.HasPrefix(file, "/proc") {
				return errors.New("not a file: " + file)
			}
			time.Sleep(10 * time.Millisecond)
			sizes <- size // want goroutine_leak 3
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	total := 0
	for range files {
		total += <-sizes
	}
	fmt.Println(total)
	return nil
}

func main() {
	fmt.Println(stat([]string{"/etc/a", "/proc/1", "/etc/b", "/etc/c"}))
	go janitor(make(chan struct{}, 1))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Sweeps when there is something to sweep, and at the latest after a while.
func janitor(dirty chan struct{}) {
	sweeps := 0
	for {
		select {
		case <-dirty:
			sweeps++
		case <-time.After(40 * time.Millisecond):
			dirty <- struct{}{}
		}
	}
}
