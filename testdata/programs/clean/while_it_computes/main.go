// Workers wait for what is being computed: by main, by a handler of HTTP requests, by
// what a goroutine calls, and by one that hands its workers on. Who computes is at no
// place that could be read while it does.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// compute takes about as long as is asked for.
func compute(long time.Duration) int {
	sum := 0
	for end := time.Now().Add(long); time.Now().Before(end); {
		for i := 0; i < 100_000; i++ {
			sum = sum*31 + i
		}
	}
	return sum
}

func handle(w http.ResponseWriter, _ *http.Request) {
	result, logged := make(chan int), make(chan struct{})
	go func() {
		fmt.Fprintln(io.Discard, <-result)
		close(logged)
	}()
	result <- compute(120 * time.Millisecond)
	<-logged
	fmt.Fprintln(w, "done")
}

type task struct{ in, out chan int }

func (t *task) run() {
	for v := range t.in {
		t.out <- v
	}
}

func round() {
	t := &task{make(chan int), make(chan int)}
	go t.run()
	for i := 0; i < 3; i++ {
		t.in <- compute(60 * time.Millisecond)
		<-t.out
	}
	close(t.in)
}

type gate struct {
	mu     sync.Mutex
	opened *sync.Cond
	open   bool
}

func newGate() *gate {
	g := &gate{}
	g.opened = sync.NewCond(&g.mu)
	return g
}

func (g *gate) pass(all *sync.WaitGroup) {
	defer all.Done()
	g.mu.Lock()
	for !g.open {
		g.opened.Wait()
	}
	g.mu.Unlock()
}

// many has several wait at a gate until it has computed.
func many() {
	for {
		g := newGate()
		var all sync.WaitGroup
		for i := 0; i < 3; i++ {
			all.Add(1)
			go g.pass(&all)
		}
		compute(150 * time.Millisecond)
		g.mu.Lock()
		g.open = true
		g.mu.Unlock()
		g.opened.Broadcast()
		all.Wait()
	}
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(handle))
	go func() {
		for {
			if answer, err := http.Get(server.URL); err == nil {
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	go func() {
		for {
			round()
		}
	}()
	go many()
	in, out := make(chan int), make(chan int)
	go func() {
		for v := range in {
			out <- v
		}
	}()
	for {
		in <- compute(200 * time.Millisecond)
		<-out
	}
}
