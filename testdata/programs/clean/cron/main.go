// A scheduler keeps its entries in a heap and sleeps until the first is due; a
// new entry wakes it.
package main

import (
	"container/heap"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type entry struct {
	due   time.Time
	every time.Duration
	run   func()
}

type entries []*entry

func (e entries) Len() int           { return len(e) }
func (e entries) Less(i, j int) bool { return e[i].due.Before(e[j].due) }
func (e entries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(one any)      { *e = append(*e, one.(*entry)) }
func (e *entries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

type scheduler struct {
	added chan *entry
	queue entries
}

func (s *scheduler) loop() {
	for {
		wait := time.Hour
		if len(s.queue) > 0 {
			wait = time.Until(s.queue[0].due)
		}
		timer := time.NewTimer(wait)
		select {
		case one := <-s.added:
			timer.Stop()
			heap.Push(&s.queue, one)
		case <-timer.C:
			if len(s.queue) > 0 {
				one := s.queue[0]
				one.due = one.due.Add(one.every)
				heap.Fix(&s.queue, 0)
				go one.run()
			}
		}
	}
}

func main() {
	s := &scheduler{added: make(chan *entry)}
	go s.loop()
	var runs atomic.Int64
	for _, every := range []time.Duration{7 * time.Millisecond, 90 * time.Millisecond, time.Hour} {
		s.added <- &entry{time.Now().Add(every), every, func() { runs.Add(1) }}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
