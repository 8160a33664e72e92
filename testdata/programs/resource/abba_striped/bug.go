// A table's rows are locked in stripes; two moves in opposite directions take theirs
// in opposite order, while somebody else uses the table without them.
//
// class: resource, AB-BA
package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type table struct {
	stripes [16]sync.Mutex
	counts  [16]int
	reports atomic.Int64
}

func (t *table) move(from, to, count int) {
	t.stripes[from].Lock()
	defer t.stripes[from].Unlock()
	time.Sleep(20 * time.Millisecond) // the row is read
	t.stripes[to].Lock()              // want deadlock 2
	defer t.stripes[to].Unlock()
	t.counts[from] -= count
	t.counts[to] += count
}

func (t *table) keepMoving(from, to int) {
	for {
		t.move(from, to, 1)
		time.Sleep(3 * time.Millisecond)
	}
}

func (t *table) report() {
	for range time.Tick(20 * time.Millisecond) {
		t.reports.Add(1)
	}
}

func main() {
	t := new(table)
	go t.keepMoving(3, 9)
	go t.keepMoving(9, 3)
	go t.report()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	<-ctx.Done()
}
