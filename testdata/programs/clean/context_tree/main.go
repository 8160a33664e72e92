// Contexts in three generations, and a goroutine waiting on each: all are to
// wait until the program is told to end, which it is not in this run.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"time"
)

type unit struct {
	name string
	left *sync.WaitGroup
}

func (u unit) watch(ctx context.Context) {
	defer u.left.Done()
	<-ctx.Done()
	fmt.Println(u.name, context.Cause(ctx))
}

func grow(ctx context.Context, name string, depth int, left *sync.WaitGroup) {
	left.Add(1)
	go unit{name, left}.watch(ctx)
	if depth == 0 {
		return
	}
	for i := 0; i < 2; i++ {
		child := context.WithValue(ctx, struct{}{}, i)
		grow(child, fmt.Sprint(name, ".", i), depth-1, left)
	}
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	bounded, release := context.WithTimeout(ctx, time.Hour)
	defer release()
	var left sync.WaitGroup
	grow(bounded, "root", 3, &left)
	left.Wait()
}
