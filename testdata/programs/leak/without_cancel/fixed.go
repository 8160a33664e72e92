// It gets a deadline of its own.
//
// class: leak, context.WithoutCancel
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type audit struct{ lines chan string }

func (a *audit) follow(ctx context.Context, user string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 50*time.Millisecond)
	go func() {
		defer cancel()
		a.lines <- user
		<-ctx.Done()
	}()
}

func (a *audit) write() {
	for line := range a.lines {
		fmt.Fprintln(io.Discard, line)
	}
}

func main() {
	a := &audit{lines: make(chan string)}
	go a.write()
	for _, user := range []string{"ann", "ben", "cid", "dot"} {
		request, cancel := context.WithCancel(context.Background())
		a.follow(request, user)
		cancel()
	}
	go leases(context.Background())
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	close(a.lines)
}

// Leases that run out, each with somebody who waits for that.
func leases(parent context.Context) {
	for {
		lease, release := context.WithTimeout(parent, 60*time.Millisecond)
		go func() {
			defer release()
			<-lease.Done()
		}()
		time.Sleep(25 * time.Millisecond)
	}
}
