// A check in a goroutine of a test calls FailNow, which ends that goroutine
// before its Done; the test waits for it.
//
// class: nonblocking, testing, FailNow outside of the test's goroutine
package main

import (
	"errors"
	"sync"
	"testing"
	"time"
)

func must(t *testing.T, err error) {
	if err != nil {
		t.FailNow()
	}
}

func load(user string) error {
	if user == "eve" {
		return errors.New("no such user")
	}
	return nil
}

func users(t *testing.T) {
	var group sync.WaitGroup
	for _, user := range []string{"ann", "eve", "cid"} {
		group.Add(1)
		go func(user string) {
			must(t, load(user))
			group.Done()
		}(user)
	}
	group.Wait() // want goroutine_leak|deadlock
}

// soak goes on until the whole run is ended.
func soak(t *testing.T) {
	for {
		must(t, load("ann"))
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	every := func(string, string) (bool, error) { return true, nil }

	testing.Main(every, []testing.InternalTest{{Name: "Users", F: users}, {Name: "Soak", F: soak}}, nil, nil) // may
}
