// The test ends while its poller still runs, and the next test resets what the
// poller uses.
//
// class: nonblocking, testing, goroutine outlives its test
package main

import (
	"fmt"
	"io"
	"testing"
	"time"
)

var polled []string

func poll(name string, rounds int, ended chan<- struct{}) {
	for i := 0; i < rounds; i++ {
		polled = append(polled, name) // want data_race
		time.Sleep(10 * time.Millisecond)
	}
	close(ended)
}

func polls(t *testing.T) {
	ended := make(chan struct{})
	go poll("first", 5, ended)
	time.Sleep(15 * time.Millisecond)
	t.Log("polls")
}

func resets(t *testing.T) {
	polled = nil // want data_race
	time.Sleep(60 * time.Millisecond)
	t.Log("resets")
}

// soak goes on until the whole run is ended.
func soak(*testing.T) {
	for rounds := 0; ; rounds++ {
		fmt.Fprintln(io.Discard, rounds)
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	every := func(string, string) (bool, error) { return true, nil }

	testing.Main(every, []testing.InternalTest{{Name: "Polls", F: polls}, {Name: "Resets", F: resets}, {Name: "Soak", F: soak}}, nil, nil)
}
