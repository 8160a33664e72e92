// Waits in every way a Go program can wait, and says so itself.
//
// After "ready" it is quiet: nothing changes any more. It answers on standard
// input: "stacks" prints what runtime.Stack says of all goroutines (the form of
// goroutine?debug=2), "waits" prints one line for each object that is waited on:
//
//	wait <function> channel <address> <send|receive> <cap> <len> <open|closed> <senders> <receivers>
//	wait <function> select <address>:<send|receive> …
//	wait <function> lock <address> <mutex|rwmutex|waitgroup|cond>
//	wait <function> sleep <seconds>
//	wait <function> io <fd> <read|write>
//	label <function> <key> <value>
//
// Each answer ends with a line "end". It exits when its input ends.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"time"
)

// What is waited on, a line each.
var waits []string

func note(format string, arguments ...any) { waits = append(waits, fmt.Sprintf(format, arguments...)) }

func channel[T any](function string, ch chan T, direction string, senders, receivers int) {
	note("wait main.%s channel %p %s %d %d open %d %d", function, ch, direction, cap(ch), len(ch), senders, receivers)
}

func main() {
	debug.SetGCPercent(-1)
	channels()
	selects()
	locks()
	system()
	shapes()
	coroutines()
	inC()
	quiet()
	fmt.Println("ready")
	answer()
}

// quiet returns when nothing has changed for a while.
func quiet() {
	before, same := "", 0
	for same < 5 {
		time.Sleep(20 * time.Millisecond)
		now := stacks()
		if now == before && !strings.Contains(now, "[runnable") {
			same++
		} else {
			before, same = now, 0
		}
	}
}

func stacks() string {
	text := make([]byte, 1<<20)
	return string(text[:runtime.Stack(text, true)])
}

func answer() {
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		switch input.Text() {
		case "stacks":
			fmt.Println(stacks())
		case "waits":
			for _, wait := range waits {
				fmt.Println(wait)
			}
		}
		fmt.Println("end")
	}
}

// --- channels

var (
	unbufferedSend    = make(chan int)
	fullSend          = make(chan [3]int64, 4)
	unbufferedReceive = make(chan string)
	emptyReceive      = make(chan struct{}, 7)
	crowd             = make(chan int, 1)
	ranged            = make(chan int)
	nilChannel        chan int
)

func channels() {
	go sendUnbuffered()
	channel("sendUnbuffered", unbufferedSend, "send", 1, 0)
	for i := 0; i < cap(fullSend); i++ {
		fullSend <- [3]int64{}
	}
	go sendFull()
	channel("sendFull", fullSend, "send", 1, 0)
	go receiveUnbuffered()
	channel("receiveUnbuffered", unbufferedReceive, "receive", 0, 1)
	go receiveEmpty()
	channel("receiveEmpty", emptyReceive, "receive", 0, 1)
	crowd <- 0
	for i := 0; i < 5; i++ {
		go sendInCrowd(i)
	}
	channel("sendInCrowd", crowd, "send", 5, 0)
	go ranges()
	channel("ranges", ranged, "receive", 0, 1)
	go sendNil()
	note("wait main.sendNil channel 0x0 send 0 0 open 0 0")
	go receiveNil()
	note("wait main.receiveNil channel 0x0 receive 0 0 open 0 0")
}

func sendUnbuffered()    { unbufferedSend <- 1 }
func sendFull()          { fullSend <- [3]int64{1, 2, 3} }
func receiveUnbuffered() { <-unbufferedReceive }
func receiveEmpty()      { _, _ = <-emptyReceive }
func sendInCrowd(i int)  { crowd <- i }
func sendNil()           { nilChannel <- 1 }
func receiveNil()        { <-nilChannel }
func ranges() {
	for range ranged {
	}
}

// --- select

var (
	selectedSend    = make(chan int)
	selectedReceive = make(chan int, 3)
	alone           = make(chan int)
)

func selects() {
	go selectTwo()
	note("wait main.selectTwo select %p:send %p:receive", selectedSend, selectedReceive)
	go selectWithNil()
	note("wait main.selectWithNil select %p:receive", alone)
	go selectNothing()
}

func selectTwo() {
	select {
	case selectedSend <- 1:
	case <-selectedReceive:
	}
}

// The nil channel is not among what it waits on.
func selectWithNil() {
	select {
	case nilChannel <- 1:
	case <-alone:
	}
}

func selectNothing() { select {} }

// --- sync

var (
	mutex      sync.Mutex
	written    sync.RWMutex
	read       sync.RWMutex
	group      sync.WaitGroup
	conditionL sync.Mutex
	condition  = sync.NewCond(&conditionL)
	guarded    = &struct {
		name string
		sync.Mutex
	}{}
)

func locks() {
	mutex.Lock()
	go lockMutex()
	note("wait main.lockMutex lock %p mutex", &mutex)
	guarded.Lock()
	go lockEmbedded()
	note("wait main.lockEmbedded lock %p mutex", &guarded.Mutex)
	written.Lock()
	go readLocked()
	note("wait main.readLocked lock %p rwmutex", &written)
	read.RLock()
	go writeLocked()
	note("wait main.writeLocked lock %p rwmutex", &read)
	group.Add(1)
	go waitForGroup()
	note("wait main.waitForGroup lock %p waitgroup", &group)
	go waitForCondition()
	note("wait main.waitForCondition lock %p cond", condition)
}

func lockMutex()        { mutex.Lock() }
func lockEmbedded()     { guarded.Lock() }
func readLocked()       { written.RLock() }
func writeLocked()      { read.Lock() }
func waitForGroup()     { group.Wait() }
func waitForCondition() { conditionL.Lock(); condition.Wait() }

// --- the system

func system() {
	go sleeps()
	note("wait main.sleeps sleep 7200")
	go timer()
	reader, writer, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	go readsPipe(reader)
	// The file's own Fd() would make it blocking.
	note("wait main.readsPipe io %s read", descriptor(reader))
	kept = append(kept, writer)
	go inSystemCall()
}

// Files that must not be collected.
var kept []*os.File

func descriptor(file *os.File) string {
	connection, err := file.SyscallConn()
	if err != nil {
		panic(err)
	}
	var number uintptr
	if err := connection.Control(func(fd uintptr) { number = fd }); err != nil {
		panic(err)
	}
	return fmt.Sprint(number)
}

func sleeps()                   { time.Sleep(2 * time.Hour) }
func timer()                    { <-time.After(3 * time.Hour) }
func readsPipe(reader *os.File) { _, _ = reader.Read(make([]byte, 1)) }

func inSystemCall() {
	var ends [2]int
	if err := syscall.Pipe(ends[:]); err != nil {
		panic(err)
	}
	_, _ = syscall.Read(ends[0], make([]byte, 1))
}

// --- shapes of stacks

var never = make(chan int)

func shapes() {
	go func() { inlinedOuter(never) }()
	go deep(60)
	go withLargeFrame()
	go generic[string]("x")
	go panics()
	go faults()
	go lockedToThread()
	go (&method{}).wait()
	var embedded waiter = outer{&method{}}
	go embedded.wait()
	go parentThatLeaves()
	go labelled()
	note("label main.labelled.func1 request 42")
	time.AfterFunc(0, afterTimer)
	go func() {
		defer deferred()
	}()
	go closure()()
}

func inlinedOuter(ch chan int) { inlinedInner(ch) }
func inlinedInner(ch chan int) { <-ch }

func deep(n int) int {
	if n == 0 {
		return <-never
	}
	return deep(n-1) + 1
}

func withLargeFrame() int {
	var large [9000]int
	large[<-never] = 1
	return large[0]
}

func generic[T any](value T) T {
	<-never
	return value
}

func panics() {
	defer func() { <-never }()
	panic("for the stack")
}

var nothing *struct{ field int }

func faults() {
	defer func() { <-never }()
	nothing.field = 1
}

func lockedToThread() {
	runtime.LockOSThread()
	<-never
}

type waiter interface{ wait() }
type method struct{ n int }
type outer struct{ *method }

func (m *method) wait() { m.n = <-never }

// Its child's parent is gone.
func parentThatLeaves() { go child() }
func child()            { <-never }

func labelled() {
	pprof.Do(context.Background(), pprof.Labels("request", "42"), func(context.Context) { <-never })
}

func afterTimer() { <-never }
func deferred()   { <-never }
func closure() func() {
	ch := never
	return func() { <-ch }
}
