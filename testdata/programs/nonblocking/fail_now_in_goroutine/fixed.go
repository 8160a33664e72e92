// Done is deferred.
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
			defer group.Done()
			must(t, load(user))
		}(user)
	}
	group.Wait()
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

	testing.Main(every, []testing.InternalTest{{Name: "Users", F: users}, {Name: "Soak", F: soak}}, nil, nil)
}
