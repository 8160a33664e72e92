// The member gives the lock back before it tells the loop.
//
// class: mixed, channel held under a lock, actor loop
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

type room struct {
	mu      sync.Mutex
	members map[string]chan string
	left    chan string
	lines   chan string
}

func (r *room) loop() {
	for {
		select {
		case name := <-r.left:
			fmt.Println(name, "left")
		case line, open := <-r.lines:
			if !open {
				return
			}
			time.Sleep(30 * time.Millisecond)
			r.mu.Lock()
			for _, member := range r.members {
				select {
				case member <- line:
				default:
				}
			}
			r.mu.Unlock()
		}
	}
}

func (r *room) leave(name string) {
	r.mu.Lock()
	delete(r.members, name)
	r.mu.Unlock()
	r.left <- name
}

func main() {
	lines := make(chan string)
	r := &room{members: make(map[string]chan string), left: make(chan string), lines: lines}
	for _, name := range []string{"ada", "bob"} {
		r.members[name] = make(chan string, 4)
	}
	go r.loop()
	lines <- "hello"
	go r.leave("bob")
	go kitchen()
	go mailer()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	close(lines)
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
