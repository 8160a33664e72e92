// Requests with a limit of time: some are answered, some are not in time, and
// the late answer finds room in its channel.
package main

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

type oracle struct{ questions atomic.Int64 }

func (o *oracle) think(answer chan<- string) {
	n := o.questions.Add(1)
	time.Sleep(time.Duration(n%5) * 4 * time.Millisecond)
	answer <- "yes"
}

func (o *oracle) ask(limit time.Duration) (string, error) {
	answer := make(chan string, 1)
	go o.think(answer)
	select {
	case text := <-answer:
		return text, nil
	case <-time.After(limit):
		return "", errors.New("too late")
	}
}

func main() {
	o := new(oracle)
	for i := 0; i < 3; i++ {
		go func() {
			for {
				_, err := o.ask(9 * time.Millisecond)
				fmt.Fprintln(io.Discard, err)
			}
		}()
	}
	select {}
}
