// Timers of all kinds: fired, stopped, reset, never fired; a deadline that is
// pushed on by each keystroke.
package main

import (
	"fmt"
	"sync"
	"time"
)

type debounce struct {
	mu    sync.Mutex
	timer *time.Timer
	saves int
}

func (d *debounce) key() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer == nil {
		d.timer = time.AfterFunc(15*time.Millisecond, d.save)
		return
	}
	d.timer.Reset(15 * time.Millisecond)
}

func (d *debounce) save() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saves++
}

func main() {
	d := new(debounce)
	reminder := time.NewTimer(time.Hour)
	defer reminder.Stop()
	for n := 0; ; n++ {
		d.key()
		pause := time.NewTimer(time.Duration(n%5) * 6 * time.Millisecond)
		select {
		case <-pause.C:
		case <-reminder.C:
			fmt.Println("an hour")
		}
	}
}
