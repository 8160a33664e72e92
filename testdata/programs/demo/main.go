// A small order service with four bugs, for `cargo xtask demo`. Requests keep
// coming and are answered all the while: from the outside it looks well.
//
// It exits when its standard input ends.
package main

import (
	"io"
	"os"
	"sync"
	"time"
)

type order struct {
	id   int
	done chan<- bool
}

func main() {
	orders := make(chan order)
	for i := 0; i < 4; i++ {
		go worker(orders)
	}
	go requests(orders)

	go slowClients()
	go transfers()
	go audit()
	go export()
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// --- what works

// An idle worker is no leak: somebody will send to it.
func worker(orders <-chan order) {
	for order := range orders {
		time.Sleep(2 * time.Millisecond)
		order.done <- true
	}
}

func requests(orders chan<- order) {
	for id := 0; ; id++ {
		done := make(chan bool)
		orders <- order{id, done}
		<-done
		time.Sleep(5 * time.Millisecond)
	}
}

// --- bug 1: a client that gives up leaves its sender behind

func slowClients() {
	for i := 0; ; i++ {
		quote(i)
		if i < 4 {
			time.Sleep(50 * time.Millisecond)
		} else {
			time.Sleep(time.Second)
		}
	}
}

func quote(id int) (price int) {
	result := make(chan int)
	go fetchPrice(id, result)
	select {
	case price = <-result:
	case <-time.After(10 * time.Millisecond):
	}
	return price
}

func fetchPrice(id int, result chan<- int) {
	time.Sleep(20 * time.Millisecond)
	result <- id * 100 // want goroutine_leak
}

// --- bug 2: two locks, taken in two orders

type account struct {
	sync.Mutex
	balance int
}

func transfers() {
	alice, bob := &account{balance: 100}, &account{balance: 100}
	go transfer(alice, bob)
	go transfer(bob, alice)
}

func transfer(from, to *account) {
	from.Lock()
	defer from.Unlock()
	time.Sleep(30 * time.Millisecond)
	to.Lock() // want deadlock
	defer to.Unlock()
	from.balance--
	to.balance++
}

// --- bug 3: one of three returns without Done

func audit() {
	var group sync.WaitGroup
	for i := 0; i < 3; i++ {
		group.Add(1)
		go check(i, &group)
	}
	group.Wait() // want goroutine_leak
}

func check(i int, group *sync.WaitGroup) {
	if i == 2 {
		return
	}
	group.Done()
}

// --- bug 4: a select whose channels nobody else has

func export() {
	rows, stop := make(chan string), make(chan struct{})
	select { // want goroutine_leak
	case row := <-rows:
		_, _ = io.WriteString(os.Stdout, row)
	case <-stop:
	}
}
