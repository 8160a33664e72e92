// A batcher flushes when it has enough or when the oldest has waited long
// enough; in between its timer is stopped and its channel nil.
package main

import (
	"fmt"
	"time"
)

type batcher struct {
	in    chan string
	sizes []int
}

func (b *batcher) loop() {
	var (
		batch   []string
		timer   *time.Timer
		overdue <-chan time.Time
	)
	flush := func() {
		b.sizes = append(b.sizes, len(batch))
		batch = batch[:0]
		if timer != nil {
			timer.Stop()
		}
		overdue = nil
	}
	for {
		select {
		case line := <-b.in:
			if batch = append(batch, line); len(batch) == 1 {
				timer = time.NewTimer(20 * time.Millisecond)
				overdue = timer.C
			}
			if len(batch) == 8 {
				flush()
			}
		case <-overdue:
			flush()
		}
	}
}

func main() {
	b := &batcher{in: make(chan string)}
	go b.loop()
	for n := 0; ; n++ {
		for i := 0; i <= n%12; i++ {
			b.in <- fmt.Sprint("line ", n, i)
		}
		time.Sleep(time.Duration(n%4) * 15 * time.Millisecond)
	}
}
