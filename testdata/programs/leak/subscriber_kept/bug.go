// A page that is closed does not unsubscribe: its goroutine waits for news
// until the topic has some, which it never has. The hub still knows the
// channel.
//
// class: leak, subscriber never unsubscribed
package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

type hub struct {
	mu     sync.Mutex
	topics map[string][]chan string
}

func (h *hub) subscribe(topic string) <-chan string {
	h.mu.Lock()
	defer h.mu.Unlock()
	news := make(chan string, 1)
	h.topics[topic] = append(h.topics[topic], news)
	return news
}

func (h *hub) unsubscribe(topic string, news <-chan string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, have := range h.topics[topic] {
		if have == news {
			h.topics[topic] = append(h.topics[topic][:i], h.topics[topic][i+1:]...)
			close(have)
			return
		}
	}
}

func page(h *hub, topic string) {
	news := h.subscribe(topic)
	go func() {
		for line := range news { // want goroutine_leak 10+
			fmt.Fprintln(io.Discard, line)
		}
	}()
	time.Sleep(25 * time.Millisecond)
}

func main() {
	h := &hub{topics: make(map[string][]chan string)}
	h.unsubscribe("none", nil)
	for visit := 0; ; visit++ {
		go page(h, fmt.Sprint("topic ", visit%5))
		time.Sleep(40 * time.Millisecond)
	}
}
