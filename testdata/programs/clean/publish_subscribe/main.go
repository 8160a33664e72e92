// A hub with topics: some have news all the time, some seldom, one never in
// this run. Subscribers come and go.
package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

type hub struct {
	mu     sync.RWMutex
	topics map[string]map[chan string]struct{}
}

func (h *hub) subscribe(topic string) chan string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[topic] == nil {
		h.topics[topic] = make(map[chan string]struct{})
	}
	news := make(chan string, 4)
	h.topics[topic][news] = struct{}{}
	return news
}

func (h *hub) unsubscribe(topic string, news chan string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.topics[topic], news)
	close(news)
}

func (h *hub) publish(topic, line string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for news := range h.topics[topic] {
		select {
		case news <- line:
		default: // a slow reader misses a line
		}
	}
}

func (h *hub) follow(topic string, ready *sync.WaitGroup) {
	news := h.subscribe(topic)
	ready.Done()
	for line := range news {
		fmt.Fprintln(io.Discard, line)
	}
}

func main() {
	h := &hub{topics: make(map[string]map[chan string]struct{})}
	var ready sync.WaitGroup
	for _, topic := range []string{"weather", "weather", "elections", "comets", "comets"} {
		ready.Add(1)
		go h.follow(topic, &ready)
	}
	ready.Wait()
	for n := 0; ; n++ {
		h.publish("weather", fmt.Sprint("degrees ", n%30))
		if n%50 == 0 {
			h.publish("elections", "counting")
			guest := h.subscribe("weather")
			h.unsubscribe("weather", guest)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
