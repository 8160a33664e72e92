// The refresh waits under the lock for the fetch, and the fetch takes the lock
// to note its start.
//
// class: mixed, channel held under a lock, receive
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type forecast struct {
	lock    sync.RWMutex
	fetches int
	text    string
}

func (f *forecast) fetch(answer chan<- string) {
	f.lock.Lock() // want deadlock
	f.fetches++
	f.lock.Unlock()
	answer <- "sunny"
}

func (f *forecast) refresh() {
	answer := make(chan string)
	f.lock.Lock()
	defer f.lock.Unlock()
	go f.fetch(answer)
	f.text = <-answer // want deadlock
}

func main() {
	f := new(forecast)
	go f.refresh()
	time.Sleep(30 * time.Millisecond)
	for i := 0; i < 2; i++ {
		go func() {
			f.lock.RLock() // may
			defer f.lock.RUnlock()
			fmt.Println(f.text)
		}()
	}
	go mailer()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
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
