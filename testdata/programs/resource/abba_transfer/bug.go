// Two transfers in opposite directions take the accounts' locks in opposite
// order.
//
// class: resource, AB-BA
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

type account struct {
	sync.Mutex
	number, balance int
}

func transfer(from, to *account, amount int) {
	from.Lock()
	defer from.Unlock()
	time.Sleep(50 * time.Millisecond) // the limit is looked up
	to.Lock()                         // want deadlock 2
	defer to.Unlock()
	from.balance -= amount
	to.balance += amount
}

func main() {
	giro, savings := &account{number: 1, balance: 50}, &account{number: 2, balance: 70}
	go transfer(giro, savings, 10)
	go transfer(savings, giro, 20)
	go uptime(time.Now())
	go mailer()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
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
