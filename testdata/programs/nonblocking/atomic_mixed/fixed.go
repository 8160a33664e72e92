// It is read atomically too.
//
// class: nonblocking, data race, atomic and plain access
package main

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type tank struct{ level int64 }

func (t *tank) fill() {
	for i := 0; i < 5; i++ {
		atomic.AddInt64(&t.level, 10)
		time.Sleep(10 * time.Millisecond)
	}
}

func (t *tank) full() bool {
	return atomic.LoadInt64(&t.level) > 40
}

func main() {
	t := new(tank)
	go t.fill()
	for i := 0; i < 4; i++ {
		time.Sleep(15 * time.Millisecond)
		fmt.Println(t.full())
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
