// Heap is a large service at rest: a heap of a set size as programs have it (maps,
// trees, lists, slices of pointers, strings, blocks of bytes), many goroutines, of
// which most wait for their clients, some sleep, and some have been left behind in
// each of the ways that there are; and beside it work that changes the heap all the
// time, as much of it as the processors that it may use carry.
//
// When all stands it prints "ready", and then a line each interval: the nanoseconds
// since, the pieces of work done, the process's CPU nanoseconds, the bytes of its
// heap. For each line of input it prints "leaked=", with the numbers of all goroutines
// that Go's own profile calls leaked (Go 1.27 on), and its duration.
package main

import (
	"bufio"
	"bytes"
	"container/list"
	"context"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// user is what most of the heap is made of.
type user struct {
	id      uint64
	name    string
	mail    *string
	friends []*user
	tags    map[string]string
	last    interface{}
	avatar  []byte
	address address
}

type address struct {
	street, city string
	zip          int
	next         *address
}

// node is one of a search tree.
type node struct {
	left, right *node
	key         uint64
	value       *user
}

// shard is a part of the store.
type shard struct {
	mu     sync.Mutex
	users  map[string]*user
	byID   []*user
	tree   *node
	recent *list.List
	blobs  map[uint64][]byte
}

// store is all that is kept.
type store struct {
	shards [64]shard
}

// session is a client's, whose goroutine waits for it.
type session struct {
	user     *user
	requests chan string
	done     <-chan struct{}
	buffer   []byte
}

var (
	kept     store
	sessions sync.Map
	work     atomic.Uint64
)

func main() {
	megabytes := flag.Int("mb", 64, "size of the heap")
	goroutines := flag.Int("goroutines", 1000, "how many there are")
	leaked := flag.Int("leaked", 100, "how many of them are left behind")
	rate := flag.Int("rate", 0, "pieces of work a second; 0: as fast as it goes")
	procs := flag.Int("procs", 1, "GOMAXPROCS")
	interval := flag.Duration("interval", time.Second, "time between lines")
	flag.Parse()
	runtime.GOMAXPROCS(*procs)

	debug.SetGCPercent(400)
	random := rand.New(rand.NewSource(1))
	fill(random, uint64(*megabytes)<<20)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for n := 0; n < *goroutines-*leaked; n++ {
		wait(ctx, random, n)
	}
	for n := 0; n < *leaked; n++ {
		leave(random, n)
	}
	runtime.GC()
	debug.SetGCPercent(100)
	fmt.Println("ready")

	go change(*rate)
	lines := make(chan string)
	go read(lines)
	start := time.Now()
	ticker := time.NewTicker(*interval)
	for {
		select {
		case <-ticker.C:
			report(start)
		case _, more := <-lines:
			if !more {
				return
			}
			profile()
		}
	}
}

func read(lines chan<- string) {
	defer close(lines)
	for scanner := bufio.NewScanner(os.Stdin); scanner.Scan(); {
		lines <- scanner.Text()
	}
}

func report(start time.Time) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	fmt.Printf("ns=%d work=%d cpu_ns=%d heap=%d objects=%d\n", time.Since(start).Nanoseconds(), work.Load(),
		usage.Utime.Nano()+usage.Stime.Nano(), memory.HeapAlloc, memory.HeapObjects)
}

// profile asks Go itself who is leaked.
func profile() {
	began := time.Now()
	var text bytes.Buffer
	var found []string
	if leaks := pprof.Lookup("goroutineleak"); leaks != nil {
		_ = leaks.WriteTo(&text, 2)
		for _, match := range regexp.MustCompile(`(?m)^goroutine (\d+) .*\(leaked\)`).FindAllStringSubmatch(text.String(), -1) {
			found = append(found, match[1])
		}
	}
	fmt.Printf("leaked=%s took=%v\n", strings.Join(found, ","), time.Since(began))
}

// fill fills the store.
func fill(random *rand.Rand, bytes uint64) {
	for n := range kept.shards {
		s := &kept.shards[n]
		s.users, s.blobs, s.recent = map[string]*user{}, map[uint64][]byte{}, list.New()
	}
	var memory runtime.MemStats
	for id := uint64(0); ; id++ {
		if id%2048 == 0 {
			runtime.ReadMemStats(&memory)
			// What is garbage already counts, too: little of it is.
			if memory.HeapAlloc >= bytes {
				return
			}
		}
		s := &kept.shards[id%uint64(len(kept.shards))]
		s.add(random, id)
	}
}

func (s *shard) add(random *rand.Rand, id uint64) {
	u := newUser(random, id)
	for n := random.Intn(6); n > 0 && len(s.byID) > 0; n-- {
		u.friends = append(u.friends, s.byID[random.Intn(len(s.byID))])
	}
	s.users[u.name] = u
	s.byID = append(s.byID, u)
	s.tree = s.tree.insert(random.Uint64(), u)
	if s.recent.PushFront(u); s.recent.Len() > 5000 {
		s.recent.Remove(s.recent.Back())
	}
	if id%8 == 0 {
		s.blobs[id] = make([]byte, 200+random.Intn(3000))
	}
}

func newUser(random *rand.Rand, id uint64) *user {
	mail := "user" + strconv.FormatUint(id, 10) + "@example.org"
	u := &user{id: id, name: "user-" + strconv.FormatUint(id, 36), mail: &mail}
	if id%4 == 0 {
		u.tags = map[string]string{"colour": "red", "size": strconv.Itoa(random.Intn(100))}
	}
	switch id % 3 {
	case 0:
		u.last = id
	case 1:
		u.last = &u.address
	default:
		u.last = []string{u.name, mail}
	}
	if id%5 == 0 {
		u.avatar = make([]byte, 64+random.Intn(400))
	}
	u.address = address{street: "Street " + strconv.Itoa(random.Intn(1000)), city: "City", zip: random.Intn(99999)}
	if id%7 == 0 {
		u.address.next = &address{street: u.address.street, city: "Elsewhere"}
	}
	return u
}

func (n *node) insert(key uint64, value *user) *node {
	if n == nil {
		return &node{key: key, value: value}
	}
	for at := n; ; {
		next := &at.left
		if key > at.key {
			next = &at.right
		}
		if *next == nil {
			*next = &node{key: key, value: value}
			return n
		}
		at = *next
	}
}

// replace sets the value where key would be inserted.
func (n *node) replace(key uint64, value *user) {
	for at := n; at != nil; {
		if n = at; key > at.key {
			at = at.right
		} else {
			at = at.left
		}
	}
	n.value = value
}

// wait starts a goroutine that waits as it should.
func wait(ctx context.Context, random *rand.Rand, n int) {
	s := &kept.shards[n%len(kept.shards)]
	one := &session{
		user:     s.byID[random.Intn(len(s.byID))],
		requests: make(chan string, 1),
		done:     ctx.Done(),
		buffer:   make([]byte, 128),
	}
	switch n % 10 {
	case 0:
		go func() {
			for {
				time.Sleep(time.Minute)
				one.buffer[0]++
			}
		}()
	case 1:
		// Nobody else knows it, but that the timer does.
		go func() {
			<-time.After(time.Hour)
			one.buffer[0]++
		}()
	default:
		sessions.Store(n, one)
		go one.serve()
	}
}

func (s *session) serve() {
	for {
		select {
		case request := <-s.requests:
			s.buffer = append(s.buffer[:0], request...)
		case <-s.done:
			return
		}
	}
}

// leave starts a goroutine that waits for what will never come.
func leave(random *rand.Rand, n int) {
	s := &kept.shards[n%len(kept.shards)]
	mine := newUser(random, uint64(n))
	mine.friends = append(mine.friends, s.byID[random.Intn(len(s.byID))])
	switch n % 6 {
	case 0:
		answers := make(chan *user)
		go func() { answers <- mine }()
	case 1:
		answers := make(chan *user, 1)
		go func() { mine.last = <-answers }()
	case 2:
		ctx, cancel := context.WithCancel(context.Background())
		ticks := make(chan int)
		go func() {
			defer cancel()
			select {
			case <-ctx.Done():
			case n := <-ticks:
				mine.address.zip = n
			}
		}()
	case 3:
		locked := &struct {
			sync.Mutex
			user *user
		}{user: mine}
		locked.Lock()
		go func() {
			locked.Lock()
			locked.user = nil
		}()
	case 4:
		group := &sync.WaitGroup{}
		group.Add(1)
		go func() {
			group.Wait()
			mine.last = nil
		}()
	case 5:
		// A chain: who would wake the one is left behind itself.
		first, second := make(chan *user), make(chan []*user)
		if n%12 == 5 {
			go func() { second <- []*user{<-first} }()
		} else {
			go func() { mine.friends = <-second }()
		}
	}
}

// change makes other users of some, and moves others, by the clock.
func change(rate int) {
	random := rand.New(rand.NewSource(2))
	start := time.Now()
	for id := uint64(1 << 40); ; {
		due := work.Load() + 256
		if rate > 0 {
			due = uint64(time.Since(start).Seconds() * float64(rate))
		}
		for ; work.Load() < due; id++ {
			kept.shards[random.Intn(len(kept.shards))].turn(random, id)
			work.Add(1)
		}
		if rate > 0 {
			time.Sleep(time.Millisecond)
		} else {
			runtime.Gosched()
		}
	}
}

// turn makes another user of one, and moves some pointers.
func (s *shard) turn(random *rand.Rand, id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.byID[random.Intn(len(s.byID))]
	fresh := newUser(random, id)
	fresh.friends = u.friends
	delete(s.users, u.name)
	s.users[fresh.name] = u
	*u = *fresh
	s.tree.replace(random.Uint64(), u)
	if s.recent.PushFront(u); s.recent.Len() > 5000 {
		s.recent.Remove(s.recent.Back())
	}
	for n := 0; n < 4; n++ {
		other := s.byID[random.Intn(len(s.byID))]
		u.friends, other.friends = other.friends, u.friends
	}
}
