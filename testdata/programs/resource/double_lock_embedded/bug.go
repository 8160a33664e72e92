// The session embeds its mutex, and the store locks it through an interface
// before it calls Close, which locks it once more. Others who look at the same
// session queue behind.
//
// class: resource, double lock, embedded and through an interface
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

type closer interface {
	sync.Locker
	Expired() bool
	Close()
}

type session struct {
	sync.Mutex
	open bool
}

func (s *session) Expired() bool { return s.open }

func (s *session) Close() {
	s.Lock() // want deadlock
	defer s.Unlock()
	s.open = false
}

type store struct{ sessions []closer }

func (s *store) sweep() {
	for _, one := range s.sessions {
		one.Lock()
		if one.Expired() {
			one.Close()
		}
		one.Unlock()
	}
}

func main() {
	shared := &session{open: true}
	all := &store{sessions: []closer{&session{}, shared, &session{open: true}}}
	go all.sweep()
	time.Sleep(50 * time.Millisecond)
	for i := 0; i < 2; i++ {
		go func() {
			shared.Lock() // may
			shared.open = !shared.open
			shared.Unlock()
		}()
	}
	go mailer()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
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
