// The lookup takes a random time, about as long as its caller waits: now and
// then it comes too late and stays.
//
// class: leak, abandoned request, by chance
// shows: sometimes
package main

import (
	"fmt"
	"math/rand"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func lookup(name string, found chan<- int) {
	time.Sleep(time.Duration(rand.Intn(40)) * time.Millisecond)
	found <- len(name) // want goroutine_leak
}

func resolve(name string) int {
	found := make(chan int)
	go lookup(name, found)
	select {
	case length := <-found:
		return length
	case <-time.After(20 * time.Millisecond):
		return 0
	}
}

func main() {
	fmt.Println(resolve("example.org"))
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
