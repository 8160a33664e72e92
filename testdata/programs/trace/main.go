// Records an execution trace of itself while it does a little of everything that
// a trace tells of: channels, locks, selects, timers, system calls, the network,
// collections, tasks, regions, logs, CPU samples and threads that come and go.
//
//	trace FILE [-seconds S] [-pause D] [-goroutines N] [-depth D] [-coroutines=false] [-samples]
//
// -goroutines: so many more stay parked all the while, each D calls deep.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

func main() {
	file := os.Args[1]
	seconds := flag.Float64("seconds", 1.5, "record so long")
	goroutines := flag.Int("goroutines", 0, "so many more stay parked")
	depth := flag.Int("depth", 1, "they are so many calls deep")
	coroutines := flag.Bool("coroutines", true, "switch between coroutines, too, which is half of all events")
	samples := flag.Bool("samples", false, "take CPU samples, too")
	flag.DurationVar(&pause, "pause", 0, "rest so long in each round")
	flag.CommandLine.Parse(os.Args[2:])

	parked := make(chan struct{})
	var crowd sync.WaitGroup
	for range make([]struct{}, *goroutines) {
		crowd.Add(1)
		go func() {
			defer crowd.Done()
			sink(parked, *depth)
		}()
	}
	out, err := os.Create(file)
	check(err)
	if *samples {
		profile, err := os.Create(os.DevNull)
		check(err)
		check(pprof.StartCPUProfile(profile))
	}
	check(trace.Start(out))
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(*seconds*float64(time.Second)))
	defer stop()
	var all sync.WaitGroup
	works := []func(context.Context){
		channels, channels, locks, selects, timers, syscalls, network, garbage, annotations, threads, spawn,
	}
	if *coroutines {
		works = append(works, switches)
	}
	for _, work := range works {
		all.Add(1)
		go func(work func(context.Context)) {
			defer all.Done()
			work(ctx)
		}(work)
	}
	all.Wait()
	close(parked)
	crowd.Wait()
	trace.Stop()
	if *samples {
		pprof.StopCPUProfile()
	}
	check(out.Close())
}

var pause time.Duration

// more is whether there is another round.
func more(ctx context.Context) bool {
	if pause > 0 {
		time.Sleep(pause)
	}
	return ctx.Err() == nil
}

func sink(parked chan struct{}, depth int) {
	if depth > 1 {
		sink(parked, depth-1)
		return
	}
	<-parked
}

// channels passes a number to and fro, without a buffer and with one.
func channels(ctx context.Context) {
	ping, pong := make(chan int), make(chan int, 1)
	go func() {
		defer close(pong)
		for n := range ping {
			pong <- n + 1
		}
	}()
	for more(ctx) {
		ping <- 1
		<-pong
	}
	close(ping)
	for range pong {
	}
}

func locks(ctx context.Context) {
	var mutex sync.Mutex
	var shared sync.RWMutex
	cond := sync.NewCond(&mutex)
	var group sync.WaitGroup
	done := false
	for n := range make([]struct{}, 4) {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			for more(ctx) {
				mutex.Lock()
				runtime.Gosched()
				cond.Broadcast()
				mutex.Unlock()
				if n == 0 {
					shared.Lock()
					time.Sleep(10 * time.Microsecond)
					shared.Unlock()
				} else {
					shared.RLock()
					shared.RUnlock()
				}
			}
		}(n)
	}
	waiter := make(chan struct{})
	go func() {
		defer close(waiter)
		mutex.Lock()
		for !done {
			cond.Wait()
		}
		mutex.Unlock()
	}()
	group.Wait()
	mutex.Lock()
	done = true
	cond.Broadcast()
	mutex.Unlock()
	<-waiter
}

func selects(ctx context.Context) {
	left, right := make(chan int), make(chan int)
	var group sync.WaitGroup
	for _, to := range []chan int{left, right} {
		group.Add(1)
		go func(to chan int) {
			defer group.Done()
			for {
				select {
				case to <- 1:
				case <-ctx.Done():
					return
				}
			}
		}(to)
	}
	for more(ctx) {
		select {
		case <-left:
		case <-right:
		case <-ctx.Done():
		}
	}
	group.Wait()
}

func timers(ctx context.Context) {
	ticker := time.NewTicker(200 * time.Microsecond)
	defer ticker.Stop()
	for more(ctx) {
		<-ticker.C
		time.AfterFunc(50*time.Microsecond, func() {})
		time.Sleep(100 * time.Microsecond)
	}
}

// syscalls blocks in reads of a pipe that the poller does not watch.
func syscalls(ctx context.Context) {
	for more(ctx) {
		_, err := os.Stat("/proc/self/status")
		check(err)
		text, err := os.ReadFile("/proc/self/maps")
		check(err)
		_ = text
	}
}

func network(ctx context.Context) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 64)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					conn.Write(buffer[:n])
				}
			}()
		}
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	check(err)
	buffer := make([]byte, 64)
	for more(ctx) {
		_, err = conn.Write([]byte("hello"))
		check(err)
		_, err = conn.Read(buffer)
		check(err)
	}
	conn.Close()
	listener.Close()
}

var kept [64][]byte

func garbage(ctx context.Context) {
	for n := 0; more(ctx); n++ {
		kept[n%len(kept)] = make([]byte, 1<<16)
		if n%1000 == 0 {
			runtime.GC()
		}
		if n%100 == 0 {
			runtime.Gosched()
		}
	}
}

func annotations(ctx context.Context) {
	long, endLong := trace.NewTask(ctx, "over generations")
	defer endLong.End()
	for n := 0; more(ctx); n++ {
		inner, task := trace.NewTask(long, fmt.Sprintf("task %d", n%10))
		trace.WithRegion(inner, "outer \"region\"", func() {
			trace.Log(inner, "category", fmt.Sprintf("message %d", n))
			defer trace.StartRegion(inner, "inner").End()
			time.Sleep(20 * time.Microsecond)
		})
		task.End()
		if n%50 == 0 {
			pprof.Do(ctx, pprof.Labels("job", "annotations"), func(context.Context) {})
		}
	}
}

// threads has goroutines end with a thread locked to them, which ends it, too.
func threads(ctx context.Context) {
	for more(ctx) {
		done := make(chan struct{})
		go func() {
			runtime.LockOSThread()
			close(done)
		}()
		<-done
		time.Sleep(5 * time.Millisecond)
	}
}

func spawn(ctx context.Context) {
	for more(ctx) {
		var group sync.WaitGroup
		for range make([]struct{}, 20) {
			group.Add(1)
			go group.Done()
		}
		group.Wait()
		time.Sleep(time.Millisecond)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
