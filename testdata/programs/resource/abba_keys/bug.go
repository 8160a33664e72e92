// Rows are locked in the order in which a request names them; two requests name
// the same two rows in different order.
//
// class: resource, AB-BA, a map of locks
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"
)

type rows struct {
	mu    sync.Mutex
	locks map[string]*sync.Mutex
}

func (r *rows) lock(key string) *sync.Mutex {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.locks[key] == nil {
		r.locks[key] = new(sync.Mutex)
	}
	return r.locks[key]
}

func (r *rows) with(keys []string, change func()) {
	for _, key := range keys {
		one := r.lock(key)
		one.Lock() // want deadlock 2
		defer one.Unlock()
		time.Sleep(40 * time.Millisecond)
	}
	change()
}

func main() {
	r := &rows{locks: make(map[string]*sync.Mutex)}
	go r.with([]string{"alice", "bob"}, func() { fmt.Println("alice to bob") })
	go r.with([]string{"bob", "alice"}, func() { fmt.Println("bob to alice") })
	go r.with([]string{"carol", "dave"}, func() { fmt.Println("carol to dave") })
	go mailer()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
}

// The letters come now and then; in between the postmen are idle.
func mailer() {
	letters := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for letter := range letters {
				fmt.Fprintln(io.Discard, letter)
			}
		}()
	}
	for n := 0; ; n++ {
		letters <- fmt.Sprint("letter ", n)
		time.Sleep(15 * time.Millisecond)
	}
}
