// Moves stacks, makes and ends goroutines, and fills and empties queues as fast
// as it can: nothing in it stands still for long. Says "ready" once it does so,
// and ends when its input ends.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
)

//go:noinline
func deep(depth int, f func()) int {
	var frame [256]byte
	frame[depth%256] = 1
	if depth == 0 {
		f()
		return 1
	}
	return deep(depth-1, f) + int(frame[depth%200])
}

func main() {
	unbuffered, buffered := make(chan int), make(chan int, 3)
	var lock sync.Mutex
	turn := sync.NewCond(&lock)
	go func() {
		for {
			runtime.GC()
			time.Sleep(3 * time.Millisecond)
		}
	}()
	for i := 0; i < 50; i++ {
		go func(i int) {
			for n := 0; ; n++ {
				deep((n*7+i)%200, func() {
					select {
					case unbuffered <- 1:
					case <-buffered:
					case buffered <- n:
					case <-unbuffered:
					case <-time.After(time.Millisecond):
					}
				})
			}
		}(i)
	}
	for i := 0; i < 20; i++ {
		go func() {
			for {
				var ended sync.WaitGroup
				ended.Add(1)
				go func() {
					deep(30, func() {
						lock.Lock()
						lock.Unlock()
					})
					ended.Done()
				}()
				ended.Wait()
			}
		}()
	}
	for i := 0; i < 10; i++ {
		go func() {
			for {
				lock.Lock()
				turn.Wait()
				lock.Unlock()
			}
		}()
	}
	go func() {
		for {
			time.Sleep(100 * time.Microsecond)
			turn.Broadcast()
		}
	}()
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
