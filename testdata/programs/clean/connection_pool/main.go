// A pool of connections like a database's: idle ones lie in a list, callers
// wait for one in turn, an opener makes new ones on demand.
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"time"
)

type connection struct{ id, uses int }

type pool struct {
	mu      sync.Mutex
	idle    []*connection
	open    int
	limit   int
	waiting []chan *connection
	wanted  chan struct{}
}

func (p *pool) opener(ctx context.Context) {
	for {
		select {
		case <-p.wanted:
			p.mu.Lock()
			p.open++
			one := &connection{id: p.open}
			p.mu.Unlock()
			p.put(one)
		case <-ctx.Done():
			return
		}
	}
}

func (p *pool) get(ctx context.Context) (*connection, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		one := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return one, nil
	}
	mine := make(chan *connection, 1)
	p.waiting = append(p.waiting, mine)
	if p.open < p.limit {
		select {
		case p.wanted <- struct{}{}:
		default:
		}
	}
	p.mu.Unlock()
	select {
	case one := <-mine:
		return one, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pool) put(one *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) > 0 {
		p.waiting[0] <- one
		p.waiting = p.waiting[1:]
		return
	}
	p.idle = append(p.idle, one)
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	p := &pool{limit: 3, wanted: make(chan struct{}, 3)}
	go p.opener(ctx)
	for i := 0; i < 5; i++ {
		go func() {
			for ctx.Err() == nil {
				one, err := p.get(ctx)
				if err != nil {
					return
				}
				one.uses++
				time.Sleep(2 * time.Millisecond)
				p.put(one)
				time.Sleep(time.Millisecond)
			}
		}()
	}
	<-ctx.Done()
}
