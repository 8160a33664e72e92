// The channel has room for every attempt.
//
// class: leak, goroutine per retry
package main

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

type client struct{ attempts int }

func (c *client) attempt(n int, result chan<- error) {
	time.Sleep(time.Duration(100-10*n) * time.Millisecond)
	result <- nil
}

func (c *client) do(tries int) error {
	result := make(chan error, tries)
	for n := 0; n < tries; n++ {
		c.attempts++
		go c.attempt(n, result)
		select {
		case err := <-result:
			return err
		case <-time.After(8 * time.Millisecond):
		}
	}
	return <-result
}

func main() {
	c := new(client)
	fmt.Println(c.do(4), c.attempts)
	go mailer()
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
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
