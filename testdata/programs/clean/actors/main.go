// Actors with mailboxes: a bank whose accounts are asked by messages with a
// place for the answer. Most of the accounts have nothing to do.
package main

import (
	"fmt"
	"time"
)

type message struct {
	amount int
	reply  chan int
}

type account struct{ mailbox chan message }

func open() account {
	a := account{make(chan message, 1)}
	go func() {
		balance := 0
		for m := range a.mailbox {
			balance += m.amount
			m.reply <- balance
		}
	}()
	return a
}

func (a account) add(amount int) int {
	reply := make(chan int, 1)
	a.mailbox <- message{amount, reply}
	return <-reply
}

func main() {
	accounts := make([]account, 40)
	for i := range accounts {
		accounts[i] = open()
	}
	for n := 0; ; n++ {
		accounts[n%3].add(n)
		time.Sleep(2 * time.Millisecond)
		if n == 1<<40 {
			fmt.Println(accounts[39].add(0))
		}
	}
}
