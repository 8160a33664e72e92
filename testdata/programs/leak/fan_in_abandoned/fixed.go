// The caller cancels the context that every stage looks at.
//
// class: leak, fan-in of results
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func search(ctx context.Context, shelf int) <-chan string {
	hits := make(chan string)
	go func() {
		defer close(hits)
		for n := 0; n < 50; n++ {
			select {
			case hits <- fmt.Sprint(shelf, "/", n):
			case <-ctx.Done():
				return
			}
		}
	}()
	return hits
}

func merge(ctx context.Context, sources ...<-chan string) <-chan string {
	out := make(chan string)
	for _, source := range sources {
		go func(source <-chan string) {
			for hit := range source {
				select {
				case out <- hit:
				case <-ctx.Done():
					return
				}
			}
		}(source)
	}
	return out
}

func find(ctx context.Context) (found []string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sources []<-chan string
	for shelf := 0; shelf < 4; shelf++ {
		sources = append(sources, search(ctx, shelf))
	}
	hits := merge(ctx, sources...)
	for len(found) < 10 {
		found = append(found, <-hits)
	}
	return found
}

func main() {
	fmt.Println(len(find(context.Background())))
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
