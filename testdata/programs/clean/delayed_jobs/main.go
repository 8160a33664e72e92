// Jobs that are due later lie in a heap; somebody waits for what one of them will do
// in an hour.
package main

import (
	"container/heap"
	"os"
	"sync"
	"time"
)

type job struct {
	due time.Time
	run func()
}

type jobs []job

func (j jobs) Len() int           { return len(j) }
func (j jobs) Less(a, b int) bool { return j[a].due.Before(j[b].due) }
func (j jobs) Swap(a, b int)      { j[a], j[b] = j[b], j[a] }
func (j *jobs) Push(one any)      { *j = append(*j, one.(job)) }

func (j *jobs) Pop() any {
	last := (*j)[len(*j)-1]
	*j = (*j)[:len(*j)-1]
	return last
}

type scheduler struct {
	mu    sync.Mutex
	queue jobs
	wake  chan struct{}
}

func (s *scheduler) after(delay time.Duration, run func()) {
	s.mu.Lock()
	heap.Push(&s.queue, job{time.Now().Add(delay), run})
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next is the first job if that is due, else how long it is until one may be.
func (s *scheduler) next() (func(), time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, time.Hour
	}
	if wait := time.Until(s.queue[0].due); wait > 0 {
		return nil, wait
	}
	return heap.Pop(&s.queue).(job).run, 0
}

func (s *scheduler) run() {
	for {
		run, wait := s.next()
		if run != nil {
			run()
			continue
		}
		select {
		case <-time.After(wait):
		case <-s.wake:
		}
	}
}

func main() {
	s := &scheduler{wake: make(chan struct{}, 1)}
	go s.run()
	closed := make(chan struct{})
	s.after(time.Hour, func() { close(closed) })
	for n := 0; n < 5; n++ {
		s.after(time.Duration(n)*time.Millisecond, func() {})
	}
	go func() {
		<-closed
		os.Exit(0)
	}()
	select {}
}
