// The loop looks at normal jobs only when there is no urgent one, and there
// always is one: who has a normal job waits without end.
//
// class: starvation, unfair select loop
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

type dispatcher struct {
	urgent, normal chan int
	done           int
}

func (d *dispatcher) loop() {
	for {
		select {
		case <-d.urgent:
			d.work()
			continue
		default:
		}
		select {
		case <-d.urgent:
		case <-d.normal:
		}
		d.work()
	}
}

func (d *dispatcher) work() {
	d.done++
	time.Sleep(time.Millisecond)
}

func main() {
	d := &dispatcher{urgent: make(chan int, 8), normal: make(chan int)}
	for i := 0; i < 4; i++ {
		go func() {
			for n := 0; ; n++ {
				d.urgent <- n
			}
		}()
	}
	for len(d.urgent) < cap(d.urgent) {
		time.Sleep(10 * time.Millisecond)
	}
	go d.loop()
	for i := 0; i < 3; i++ {
		go func(i int) {
			d.normal <- i // want long_block|starvation|goroutine_leak 3
		}(i)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
