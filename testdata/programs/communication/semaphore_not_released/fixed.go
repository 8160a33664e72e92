// The slot is given back by defer.
//
// class: communication, semaphore of a channel
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type pool struct{ slots chan struct{} }

func (p *pool) query(statement string) error {
	p.slots <- struct{}{}
	defer func() { <-p.slots }()
	if strings.HasPrefix(statement, "DROP") {
		return errors.New("refused")
	}
	time.Sleep(2 * time.Millisecond)
	return nil
}

func main() {
	p := &pool{slots: make(chan struct{}, 3)}
	for _, statement := range []string{"SELECT 1", "DROP a", "SELECT 2", "DROP b", "DROP c"} {
		_ = p.query(statement)
	}
	for i := 0; i < 5; i++ {
		go func(i int) { _ = p.query(fmt.Sprint("SELECT ", i)) }(i)
	}
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
