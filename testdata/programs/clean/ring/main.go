// A ring of goroutines with a token that goes round: all but one of them wait,
// and each has its turn.
package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

type station struct {
	in  <-chan int
	out chan<- int
}

func (s station) run() {
	for token := range s.in {
		time.Sleep(200 * time.Microsecond)
		s.out <- token + 1
	}
}

func main() {
	const stations = 30
	wires := make([]chan int, stations)
	for i := range wires {
		wires[i] = make(chan int)
	}
	for i := range wires {
		go station{wires[i], wires[(i+1)%stations]}.run()
	}
	wires[0] <- 0
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
