// Consumers that wait on a Cond for work that comes seldom, in lots.
package main

import (
	"sync"
	"time"
)

type queue struct {
	sync.Mutex
	filled *sync.Cond
	items  []int
	taken  int
}

func (q *queue) consume() {
	q.Lock()
	defer q.Unlock()
	for {
		for len(q.items) == 0 {
			q.filled.Wait()
		}
		q.items = q.items[1:]
		q.taken++
	}
}

func (q *queue) put(items ...int) {
	q.Lock()
	defer q.Unlock()
	q.items = append(q.items, items...)
	if len(items) == 1 {
		q.filled.Signal()
	} else {
		q.filled.Broadcast()
	}
}

func main() {
	q := new(queue)
	q.filled = sync.NewCond(q)
	for i := 0; i < 4; i++ {
		go q.consume()
	}
	for n := 0; ; n++ {
		q.put(make([]int, 1+n%6)...)
		time.Sleep(120 * time.Millisecond)
	}
}
