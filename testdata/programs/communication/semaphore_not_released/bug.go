// A query that is refused returns without giving its slot back. When all slots
// are gone, every query waits.
//
// class: communication, semaphore of a channel
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type pool struct{ slots chan struct{} }

func (p *pool) query(statement string) error {
	p.slots <- struct{}{} // want goroutine_leak 5
	if strings.HasPrefix(statement, "DROP") {
		return errors.New("refused")
	}
	time.Sleep(2 * time.Millisecond)
	<-p.slots
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
