// A report keeps the read lock while it talks to a slow printer: the writer
// waits for it, and behind the writer all other readers.
//
// class: starvation, RWMutex, long read
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

type prices struct {
	sync.RWMutex
	list map[string]int
}

func (p *prices) print() {
	p.RLock()
	defer p.RUnlock()
	n := len(p.list)
	for ; n > 0; n-- {
		time.Sleep(700 * time.Millisecond)
	}
}

func (p *prices) set(article string, price int) {
	p.Lock() // want long_block
	defer p.Unlock()
	p.list[article] = price
}

func (p *prices) get(article string) int {
	p.RLock() // may
	defer p.RUnlock()
	return p.list[article]
}

func main() {
	p := &prices{list: map[string]int{"tea": 3, "milk": 1}}
	go p.print()
	time.Sleep(20 * time.Millisecond)
	go p.set("tea", 4)
	go func() {
		for {
			p.get("milk")
			time.Sleep(20 * time.Millisecond)
		}
	}()
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
