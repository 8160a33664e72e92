// Objects that are reached in every way that there is: each is printed by a name, with
// its address, then "ready". Nothing changes after that.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

type conn struct {
	id   int
	done chan string
	mu   sync.Mutex
}

type pool struct {
	conns []*conn
	names map[string]*conn
	many  map[int]*conn
	self  *pool
}

type server struct {
	pool *pool
	any  any
	hook func() int
	chs  chan chan int
	mu   sync.Mutex
}

type node struct {
	next *node
	c    *conn
}

var (
	srv  = &server{}
	gate sync.Mutex
	list *node
)

func made(id int) *conn { return &conn{id: id, done: make(chan string, 1)} }

//go:noinline
func await(c *conn) { fmt.Println(<-c.done, c.id) }

//go:noinline
func alone(ch chan int) { <-ch }

//go:noinline
func lock(mu *sync.Mutex) {
	mu.Lock()
	defer mu.Unlock()
}

//go:noinline
func holds(ch chan int) chan int {
	gone := made(999)
	fmt.Printf("gone %p\n", gone)
	return ch
}

func fill() {
	p := &pool{names: map[string]*conn{}, many: map[int]*conn{}}
	p.self = p
	for i := range [5]int{} {
		p.conns = append(p.conns, made(i))
	}
	p.names["bob"] = made(101)
	for i := range [1000]int{} {
		p.many[i] = made(i)
	}
	srv.pool = p
	srv.any = made(7)
	held := made(8)
	srv.hook = func() int { return held.id }
	srv.chs = make(chan chan int, 4)
	inner := make(chan int, 3)
	srv.chs <- make(chan int)
	srv.chs <- inner
	for i := range [6]int{} {
		list = &node{next: list}
		if i == 0 {
			list.c = made(55)
			fmt.Printf("linked %p\n", list.c)
		}
	}
	fmt.Printf("element %p\n", p.conns[3])
	fmt.Printf("field %p\n", p.conns[3].done)
	fmt.Printf("inside %p\n", &p.conns[3].mu)
	fmt.Printf("value %p\n", p.names["bob"])
	fmt.Printf("far %p\n", p.many[500])
	fmt.Printf("dynamic %p\n", srv.any)
	fmt.Printf("buffered %p\n", inner)
	fmt.Printf("captured %p\n", held)
}

func main() {
	fill()
	kept := holds(make(chan int))
	go alone(kept)
	go await(srv.pool.conns[3])
	srv.mu.Lock()
	go lock(&srv.mu)
	gate.Lock()
	go lock(&gate)
	leaked := make(chan int)
	fmt.Printf("kept %p\nleaked %p\n", kept, leaked)
	go alone(leaked)
	leaked = nil
	after := time.After(time.Hour)
	fmt.Printf("timed %p\n", after)
	go func() { <-after }()
	fmt.Printf("part %p\ngate %p\nvariable %p\ncode %p\n", &srv.mu, &gate, &srv, main)
	var word int
	fmt.Printf("word %p\n", &word)
	time.Sleep(100 * time.Millisecond)
	runtime.GC()
	runtime.GC()
	fmt.Println("ready")
	bufio.NewScanner(os.Stdin).Scan()
	runtime.KeepAlive(kept)
	word++
}
