// The source that is turned off closes its channel.
//
// class: leak, chain of waiting goroutines
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"
)

func source(enabled bool) <-chan int {
	rows := make(chan int)
	if enabled {
		go func() {
			defer close(rows)
			for row := 0; row < 3; row++ {
				rows <- row
			}
		}()
	} else {
		close(rows)
	}
	return rows
}

func summary(rows <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		total := 0
		for row := range rows {
			total += row
		}
		out <- total
	}()
	return out
}

func report(name string, enabled bool, finished *sync.WaitGroup) {
	defer finished.Done()
	fmt.Println(name, <-summary(source(enabled)))
}

func main() {
	var finished sync.WaitGroup
	finished.Add(2)
	go report("sales", true, &finished)
	go report("returns", false, &finished)
	go func() {
		finished.Wait()
		fmt.Println("all reports")
	}()
	go uptime(time.Now())
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	<-ctx.Done()
}

func uptime(since time.Time) {
	for range time.Tick(30 * time.Millisecond) {
		fmt.Fprintln(io.Discard, "up", time.Since(since))
	}
}
