// The function that Once runs comes back to the same Once by way of the default
// settings: it waits for its own end.
//
// class: resource, Once recursion
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

type settings struct {
	once   sync.Once
	values map[string]string
}

func (s *settings) Get(key string) string {
	s.once.Do(s.load) // want deadlock
	return s.values[key]
}

func (s *settings) load() {
	s.values = map[string]string{"lang": "en"}
	s.values["greeting"] = greeting(s.Get("lang"))
}

func greeting(lang string) string {
	return map[string]string{"en": "hello", "de": "hallo"}[lang]
}

func main() {
	s := new(settings)
	go func() { fmt.Println(s.Get("greeting")) }()
	go uptime(time.Now())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
