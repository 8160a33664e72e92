// Command runtime_types uses every type whose layout Bingo reads, so that its
// DWARF describes them all: `cargo xtask layouts` reads them from it, and the
// tests of struct layouts, runtime variables and probe sites are made with it.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/pprof"
	"sync"
	"time"
)

type everything struct {
	mutex   sync.Mutex
	rwmutex sync.RWMutex
	group   sync.WaitGroup
	cond    *sync.Cond
	labels  map[string]string
}

func main() {
	all := &everything{labels: map[string]string{"a": "b"}}
	all.cond = sync.NewCond(&all.mutex)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer listener.Close()

	values := make(chan int)
	all.group.Add(1)
	go pprof.Do(context.Background(), pprof.Labels("kind", "worker"), func(context.Context) {
		defer all.group.Done()
		select {
		case v := <-values:
			all.labels[fmt.Sprint(v)] = "c"
		case <-time.After(time.Second):
		}
	})
	all.rwmutex.RLock()
	values <- 1
	all.rwmutex.RUnlock()
	all.group.Wait()
	all.cond.L.Lock()
	all.cond.Broadcast()
	all.cond.L.Unlock()
	fmt.Println(len(all.labels), listener.Addr().Network())
}
