// The function that Once runs comes back to the same Once by way of the default
// settings: it waits for its own end.
//
// class: resource, Once recursion
package main

import (
	"fmt"
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
	go batches()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Every batch ends before the next begins.
func batches() {
	for n := 0; ; n++ {
		var parts sync.WaitGroup
		for part := 0; part < 3; part++ {
			parts.Add(1)
			go func(part int) {
				defer parts.Done()
				time.Sleep(time.Duration(part) * time.Millisecond)
			}(part)
		}
		parts.Wait()
		time.Sleep(20 * time.Millisecond)
	}
}
