// Callers who ask for the same thing at the same time share one computation,
// and are let go when it is done, also when it panics.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type call struct {
	done  chan struct{}
	value int
}

type flights struct {
	mu    sync.Mutex
	calls map[string]*call
}

func (f *flights) do(key string, compute func() int) int {
	f.mu.Lock()
	if have, ok := f.calls[key]; ok {
		f.mu.Unlock()
		<-have.done
		return have.value
	}
	mine := &call{done: make(chan struct{})}
	f.calls[key] = mine
	f.mu.Unlock()
	defer func() {
		_ = recover()
		f.mu.Lock()
		delete(f.calls, key)
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.value = compute()
	return mine.value
}

func main() {
	f := &flights{calls: make(map[string]*call)}
	for i := 0; i < 10; i++ {
		go func(i int) {
			for n := 0; ; n++ {
				f.do(fmt.Sprint("key ", n%3), func() int {
					time.Sleep(5 * time.Millisecond)
					if n%17 == 0 {
						panic("no such key")
					}
					return n
				})
				time.Sleep(time.Duration(i) * time.Millisecond)
			}
		}(i)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
