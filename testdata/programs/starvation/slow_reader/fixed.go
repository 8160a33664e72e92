// It keeps the lock while it copies.
//
// class: starvation, RWMutex, long read
package main

import (
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
	n := len(p.list)
	p.RUnlock()
	for ; n > 0; n-- {
		time.Sleep(700 * time.Millisecond)
	}
}

func (p *prices) set(article string, price int) {
	p.Lock()
	defer p.Unlock()
	p.list[article] = price
}

func (p *prices) get(article string) int {
	p.RLock()
	defer p.RUnlock()
	return p.list[article]
}

func main() {
	p := &prices{list: map[string]int{"tea": 3, "milk": 1}}
	go func() {
		for {
			p.print()
			time.Sleep(50 * time.Millisecond)
		}
	}()
	time.Sleep(20 * time.Millisecond)
	go func() {
		for {
			p.set("tea", 4)
			time.Sleep(20 * time.Millisecond)
		}
	}()
	go func() {
		for {
			p.get("milk")
			time.Sleep(20 * time.Millisecond)
		}
	}()
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
