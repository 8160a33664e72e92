// A put wakes both.
//
// class: communication, Cond, wake-up taken by another
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type mailbox struct {
	mu      sync.Mutex
	changed *sync.Cond
	letters []string
}

func (m *mailbox) put(letter string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letters = append(m.letters, letter)
	m.changed.Broadcast()
}

// take waits until one of the letters is from the sender.
func (m *mailbox) take(from string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for {
		for i, letter := range m.letters {
			if strings.HasPrefix(letter, from) {
				m.letters = append(m.letters[:i], m.letters[i+1:]...)
				return letter
			}
		}
		m.changed.Wait()
	}
}

func main() {
	m := new(mailbox)
	m.changed = sync.NewCond(&m.mu)
	for _, from := range []string{"bank", "aunt"} {
		go func(from string) { fmt.Println(m.take(from)) }(from)
		time.Sleep(20 * time.Millisecond)
	}
	m.put("aunt: come on Sunday")
	time.Sleep(20 * time.Millisecond)
	m.put("bank: 3 % now")
	go leases(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Leases that run out, each with somebody who waits for that.
func leases(parent context.Context) {
	for {
		lease, release := context.WithTimeout(parent, 60*time.Millisecond)
		go func() {
			defer release()
			<-lease.Done()
		}()
		time.Sleep(25 * time.Millisecond)
	}
}
