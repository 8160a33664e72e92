// After some urgent jobs a normal one has its turn.
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
	for turn := 0; ; turn++ {
		if turn%4 == 0 {
			select {
			case <-d.normal:
				d.work()
			default:
			}
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
			d.normal <- i
		}(i)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
