// A Once makes it.
//
// class: nonblocking, data race, lazy initialization
package main

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

type units struct {
	once  sync.Once
	table map[string]int
}

func (u *units) factor(unit string) int {
	u.once.Do(func() {
		time.Sleep(10 * time.Millisecond)
		u.table = map[string]int{"km": 1000, "m": 1}
	})
	return u.table[unit]
}

func main() {
	u := new(units)
	for _, unit := range []string{"km", "m"} {
		go func(unit string) { fmt.Println(unit, u.factor(unit)) }(unit)
	}
	for range time.Tick(200 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "goroutines", runtime.NumGoroutine())
	}
}
