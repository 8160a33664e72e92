// The refresh takes the lock when the answer is there.
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
	f.lock.Lock()
	f.fetches++
	f.lock.Unlock()
	answer <- "sunny"
}

func (f *forecast) refresh() {
	answer := make(chan string)
	go f.fetch(answer)
	text := <-answer
	f.lock.Lock()
	defer f.lock.Unlock()
	f.text = text
}

func main() {
	f := new(forecast)
	go f.refresh()
	time.Sleep(30 * time.Millisecond)
	for i := 0; i < 2; i++ {
		go func() {
			f.lock.RLock()
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
