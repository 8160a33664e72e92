// Variables of every kind of type, in functions that stop for good. Each first
// prints what `bingo inspect` has to say of its variables:
//
//	want <function> <variable> <value>
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

var (
	out     = bufio.NewWriter(os.Stdout)
	outLock sync.Mutex
	parked  sync.WaitGroup
	never   = make(chan int)
	sink    any
)

func want(function, variable, value string) {
	outLock.Lock()
	defer outLock.Unlock()
	fmt.Fprintf(out, "want %s %s %s\n", function, variable, value)
}

// stop never returns; what is used behind it is in use here.
//
//go:noinline
func stop() int {
	parked.Done()
	return <-never
}

//go:noinline
func keep(values ...any) {
	for _, value := range values {
		sink = value
	}
}

type (
	Celsius float64
	Weekday int
	Name    string
	Flags   uint16
	Point   struct{ X, Y int }
	Shape   interface{ Area() float64 }
	Square  struct{ Side float64 }
	Wrapped struct{ Inner *Point }
	Node    struct {
		Value int
		Next  *Node
	}
	Base     struct{ ID int }
	Embedded struct {
		Base
		*Point
		Name string
		_    int
	}
	Large   struct{ Numbers [40]int }
	Handler func(int) string
	Failure struct {
		Code int
		Err  error
	}
	Tree[T any] struct {
		Left, Right *Tree[T]
		Value       T
	}
	Pair[K comparable, V any] struct {
		Key K
		Val V
	}
)

func (s Square) Area() float64   { return s.Side * s.Side }
func (w Weekday) String() string { return "a day" }
func (f *Failure) Error() string { return "failure" }

//go:noinline
func numbers(a int8, b uint8, c int16, d uint16, e int32, f uint32, g int64, h uint64, i uintptr) {
	day, flags, temperature := Weekday(3), Flags(0xbeef), Celsius(-12.5)
	small, large, tiny := float32(0.1), 1e21, 1.5e-300
	z64, z128 := complex(float32(1), float32(-2)), complex(0.5, 1e100)
	yes, no, letter := true, false, 'é'
	const function = "main.numbers"
	want(function, "a", show(a))
	want(function, "b", show(b))
	want(function, "c", show(c))
	want(function, "d", show(d))
	want(function, "e", show(e))
	want(function, "f", show(f))
	want(function, "g", show(g))
	want(function, "h", show(h))
	want(function, "i", show(i))
	want(function, "day", show(int(day)))
	want(function, "flags", show(flags))
	want(function, "temperature", show(temperature))
	want(function, "small", show(small))
	want(function, "large", show(large))
	want(function, "tiny", show(tiny))
	want(function, "z64", show(z64))
	want(function, "z128", show(z128))
	want(function, "yes", show(yes))
	want(function, "no", show(no))
	want(function, "letter", show(letter))
	stop()
	keep(a, b, c, d, e, f, g, h, i, day, flags, temperature, small, large, tiny, z64, z128, yes, no, letter)
}

//go:noinline
func texts(plain string, name Name) {
	empty, odd := "", "quo\"te\\ \n\t\x01\xff é 世 \u200b"
	long := string(make([]byte, 0, 10)) + plain + plain
	bytes, binary, none := []byte("bytes"+plain), []byte{0, 1, 254}, []byte(nil)
	runes := []rune("aé")
	const function = "main.texts"
	want(function, "plain", show(plain))
	want(function, "name", show(name))
	want(function, "empty", show(empty))
	want(function, "odd", show(odd))
	want(function, "long", show(long))
	want(function, "bytes", fmt.Sprintf("%q", bytes))
	want(function, "binary", show(binary))
	want(function, "none", show(none))
	want(function, "runes", show(runes))
	stop()
	keep(plain, name, empty, odd, long, bytes, binary, none, runes)
}

//go:noinline
func collections(n int) {
	words := make([]string, 0, 5)
	for i := 0; i < n; i++ {
		words = append(words, fmt.Sprint("w", i))
	}
	array := [4]int16{1, -2, int16(n), -4}
	grid := [][]int{{1, n}, nil, {}, {3}}
	points := []Point{{1, 2}, {n, 4}}
	pointers := []*Point{{5, 6}, nil}
	var none []int
	zero := [0]int{}
	alias := points[1:]
	const function = "main.collections"
	want(function, "words", show(words))
	want(function, "array", show(array))
	want(function, "grid", show(grid))
	want(function, "points", show(points))
	want(function, "pointers", show(pointers))
	want(function, "none", show(none))
	want(function, "zero", show(zero))
	want(function, "alias", show(alias))
	want(function, "n", show(n))
	stop()
	keep(words, array, grid, points, pointers, none, zero, alias, n)
}

//go:noinline
func maps(n int) {
	few := map[string]int{"one": 1, "two": 2, "three": n}
	many := map[int]string{}
	for i := 0; i < 1000; i++ {
		many[i] = fmt.Sprint("v", i)
	}
	for i := 10; i < 1000; i++ {
		delete(many, i)
	}
	structs := map[Point]*Point{{1, 2}: {3, 4}, {5, 6}: nil}
	nested := map[Name]map[bool][]int{"a": {true: {1}, false: nil}, "b": nil}
	anys := map[any]any{1: "one", "two": 2, Point{3, 3}: Weekday(3)}
	large := map[Large]Large{{Numbers: [40]int{1}}: {Numbers: [40]int{2}}}
	set := map[string]struct{}{"x": {}, "y": {}}
	empty := map[string]int{}
	var none map[string]int
	const function = "main.maps"
	want(function, "few", show(few))
	want(function, "many", show(many))
	want(function, "structs", show(structs))
	want(function, "nested", show(nested))
	want(function, "anys", show(anys))
	want(function, "large", show(large))
	want(function, "set", show(set))
	want(function, "empty", show(empty))
	want(function, "none", show(none))
	stop()
	keep(few, many, structs, nested, anys, large, set, empty, none)
}

//go:noinline
func structs(point Point, byPointer *Point, wrapped Wrapped) {
	embedded := Embedded{Base: Base{ID: point.X}, Point: byPointer, Name: "e"}
	list := &Node{1, &Node{2, nil}}
	ring := &Node{Value: 7}
	ring.Next = ring
	var none *Node
	anonymous := struct {
		A int
		B []string
	}{point.Y, []string{"b"}}
	empty := struct{}{}
	pp := &byPointer
	raw := unsafe.Pointer(byPointer)
	number := &point.X
	const function = "main.structs"
	want(function, "point", show(point))
	want(function, "byPointer", show(byPointer))
	want(function, "wrapped", show(wrapped))
	want(function, "embedded", show(embedded))
	want(function, "list", show(list))
	want(function, "ring", fmt.Sprintf("&{Value: 7, Next: <cycle: %p again>}", ring))
	want(function, "none", show(none))
	want(function, "anonymous", show(anonymous))
	want(function, "empty", show(empty))
	want(function, "pp", show(pp))
	want(function, "raw", fmt.Sprintf("%#x", uintptr(raw)))
	want(function, "number", show(number))
	stop()
	keep(point, byPointer, wrapped, embedded, list, ring, none, anonymous, empty, pp, raw, number)
}

//go:noinline
func interfaces(shape Shape, anything any, err error) {
	var none any
	var noShape Shape
	day, text, number := any(Weekday(3)), any("text"), any(42)
	pointer, slice, mapped := any(&Point{1, 2}), any([]int{1, 2}), any(map[string]int{"a": 1})
	inner := any(Wrapped{&Point{3, 4}})
	fails := error(&Failure{3, io.EOF})
	joined := fmt.Errorf("outer: %w", err)
	typed := any((*Point)(nil))
	small := any(uint8(7))
	const function = "main.interfaces"
	want(function, "shape", show1(shape))
	want(function, "anything", show1(anything))
	want(function, "err", show1(err))
	want(function, "none", "nil")
	want(function, "noShape", "nil")
	want(function, "day", show1(day))
	want(function, "text", show1(text))
	want(function, "number", show1(number))
	want(function, "pointer", show1(pointer))
	want(function, "slice", show1(slice))
	want(function, "mapped", show1(mapped))
	want(function, "inner", show1(inner))
	want(function, "fails", show1(fails))
	want(function, "joined", show1(joined))
	want(function, "typed", "(*main.Point)(nil)")
	want(function, "small", show1(small))
	stop()
	keep(shape, anything, err, none, noShape, day, text, number, pointer, slice, mapped, inner, fails, joined, typed, small)
}

//go:noinline
func synchronisation(locked, free *sync.Mutex) {
	buffered := make(chan int, 3)
	buffered <- 1
	closed := make(chan string, 1)
	close(closed)
	var none chan int
	var group sync.WaitGroup
	group.Add(2)
	var rw sync.RWMutex
	rw.RLock()
	var writing sync.RWMutex
	writing.Lock()
	var once, undone sync.Once
	once.Do(func() {})
	var counter atomic.Int64
	counter.Store(-5)
	var flag atomic.Bool
	flag.Store(true)
	const function = "main.synchronisation"
	want(function, "locked", "&locked")
	want(function, "free", "&unlocked")
	want(function, "buffered", fmt.Sprintf("%p (cap 3, len 1)", buffered))
	want(function, "closed", fmt.Sprintf("%p (cap 1, len 0, closed)", closed))
	want(function, "none", "nil")
	want(function, "group", "counter 2")
	want(function, "rw", "read by 1")
	want(function, "writing", "locked to write")
	want(function, "once", "done")
	want(function, "undone", "not done")
	want(function, "counter", "-5")
	want(function, "flag", "true")
	stop()
	keep(locked, free, buffered, closed, none, &group, &rw, &writing, &once, &undone, &counter, &flag)
}

//go:noinline
func functions(given Handler) {
	top := numbers
	captured := 7
	closure := func() int { captured++; return captured }
	method := Square{2}.Area
	var none func()
	const function = "main.functions"
	want(function, "given", "main.greet")
	want(function, "top", "main.numbers")
	want(function, "closure", "main.functions.func1")
	want(function, "method", "main.Square.Area-fm")
	want(function, "none", "nil")
	want(function, "captured", "7")
	stop()
	keep(given, top, closure, method, none)
	runtime.KeepAlive(closure())
}

//go:noinline
func times(after time.Duration) {
	utc := time.Date(2026, 11, 22, 1, 2, 3, 4000, time.UTC)
	leap := time.Date(2000, 2, 29, 23, 59, 59, 0, time.FixedZone("east", 3600))
	var zero time.Time
	now := time.Now()
	background := context.Background()
	valued := context.WithValue(background, Name("key"), 42)
	cancelled, cancel := context.WithCancel(valued)
	cancel()
	open, undo := context.WithDeadline(valued, utc.AddDate(100, 0, 0))
	const function = "main.times"
	const layout = "2006-01-02 15:04:05.999999999 UTC"
	want(function, "after", after.String())
	want(function, "utc", utc.Format(layout))
	want(function, "leap", leap.UTC().Format(layout)+" (in east)")
	want(function, "zero", zero.Format(layout))
	want(function, "now", now.UTC().Format(layout)+zone())
	if hasContexts() {
		want(function, "background", "context.Background")
		want(function, "valued", `context.Background → WithValue(main.Name("key"), 42)`)
		want(function, "cancelled", `context.Background → WithValue(main.Name("key"), 42) → WithCancel (cancelled)`)
		want(function, "open", `context.Background → WithValue(main.Name("key"), 42) → WithDeadline(2126-11-22 01:02:03.000004 UTC)`)
	}
	stop()
	keep(after, utc, leap, zero, now, background, valued, cancelled, open)
	undo()
}

// hasContexts tells whether Background and TODO are types of their own (Go 1.21 on).
func hasContexts() bool {
	return fmt.Sprintf("%T", context.Background()) == "context.backgroundCtx"
}

//go:noinline
func generic[K comparable, V any](function string, key K, value V, list []V) {
	pair := Pair[K, V]{key, value}
	tree := &Tree[V]{Value: value, Left: &Tree[V]{Value: list[0]}}
	both := map[K]V{key: value}
	want(function, "key", show(key))
	want(function, "value", show(value))
	want(function, "list", show(list))
	want(function, "pair", show(pair))
	want(function, "tree", show(tree))
	want(function, "both", show(both))
	stop()
	keep(function, key, value, list, pair, tree, both)
}

// Three calls of one function: what they are told apart by is their `function`.
func callInt()    { generic("main.callInt", Name("k"), 5, []int{6}) }
func callString() { generic("main.callString", 7, "v", []string{"s"}) }
func callStruct() { generic("main.callStruct", Point{1, 2}, Square{3}, []Square{{4}}) }

//go:noinline
func scopes(n int) {
	x := n
	if n > 1 {
		x := fmt.Sprint("inner", n)
		y := n * 2
		const function = "main.scopes"
		want(function, "n", show(n))
		want(function, "x", show(x))
		want(function, "y", show(y))
		stop()
		later := n * 3
		keep(x, y, later)
	}
	keep(x)
}

//go:noinline
func closures(by int) {
	shared, value := by*2, "captured"
	pointer := &Point{by, 2}
	done := make(chan bool)
	go func(argument string) {
		local := argument + value
		const function = "main.closures.func1"
		want(function, "argument", show(argument))
		want(function, "local", show(local))
		want(function, "shared", show(shared+1))
		want(function, "value", show(value))
		want(function, "pointer", show(pointer))
		shared++
		stop()
		keep(argument, local, shared, value, pointer)
		close(done)
	}("argument")
	want("main.closures", "by", show(by))
	want("main.closures", "value", show(value))
	<-never
	keep(by, value, done)
	shared++
	keep(shared)
}

func inlinedOuter(a int) int {
	b := a + 1
	c := inlinedInner(b, "text")
	return b + c
}

func inlinedInner(p int, q string) int {
	r := p * 2
	n := stop()
	return n + r + len(q) + p
}

//go:noinline
func inlining(a int) {
	want("main.inlining", "a", show(a))
	want("main.inlinedOuter", "a", show(a))
	want("main.inlinedOuter", "b", show(a+1))
	want("main.inlinedInner", "p", show(a+1))
	want("main.inlinedInner", "q", show("text"))
	want("main.inlinedInner", "r", show((a+1)*2))
	keep(inlinedOuter(a))
	keep(a)
}

//go:noinline
func results(n int) (sum int, err error) {
	sum = n + 1
	err = errors.New("so far")
	const function = "main.results"
	want(function, "sum", show(sum))
	want(function, "err", show1(err))
	stop()
	return sum, err
}

// Two large variables that are never needed at the same time may share a place.
//
//go:noinline
func sharing(n int) {
	first := [64]int{n, n + 1}
	use(&first)
	second := [64]int{n + 2, n + 3}
	use(&second)
	want("main.sharing", "first", show(first))
	want("main.sharing", "second", show(second))
	stop()
	use(&second)
}

//go:noinline
func use(numbers *[64]int) int { return numbers[3] }

type Shelf struct {
	lock  sync.Mutex
	stock map[string]int
}

type Book struct {
	lock    sync.Mutex
	entries []string
}

type Shop struct {
	shelf Shelf
	book  Book
}

// The second lock is held by another. Its Lock is inlined, and in Go 1.26 and 1.27 the
// compiler says that the receiver is where the parts of item are.
//
//go:noinline
func (s *Shop) refund(item string) {
	s.book.lock.Lock()
	defer s.book.lock.Unlock()
	s.book.entries = append(s.book.entries, "refund "+item)
	s.shelf.lock.Lock()
	defer s.shelf.lock.Unlock()
	s.shelf.stock[item]++
}

func refunding(item string) {
	shop := &Shop{shelf: Shelf{stock: map[string]int{}}}
	shop.shelf.lock.Lock()
	want("main.(*Shop).refund", "item", show(item))
	want("sync.(*Mutex).Lock", "m", "&locked, 1 waits")
	want("internal/sync.(*Mutex).Lock", "m", "&locked, 1 waits")
	parked.Done()
	shop.refund(item)
}

func greet(n int) string { return fmt.Sprint("hello", n) }

func main() {
	var locked, free sync.Mutex
	locked.Lock()
	start := []func(){
		func() { numbers(-8, 8, -16, 16, -32, 32, -64, 1<<63+1, 0xabc) },
		func() { texts("plain", "name") },
		func() { collections(3) },
		func() { maps(3) },
		func() { structs(Point{1, 2}, &Point{3, 4}, Wrapped{&Point{5, 6}}) },
		func() { interfaces(Square{3}, Point{1, 2}, io.EOF) },
		func() { synchronisation(&locked, &free) },
		func() { functions(greet) },
		func() { times(90*time.Second + 5*time.Millisecond) },
		callInt, callString, callStruct,
		func() { scopes(2) },
		func() { closures(3) },
		func() { inlining(4) },
		func() { keep(results(5)) },
		func() { sharing(6) },
		func() { refunding("tea") },
	}
	parked.Add(len(start))
	for _, function := range start {
		go function()
	}
	parked.Wait()
	time.Sleep(20 * time.Millisecond)
	outLock.Lock()
	out.WriteString("ready\n")
	out.Flush()
	outLock.Unlock()
	<-never
	keep(&locked, &free)
}

// zone is what is said of a time in the local zone.
func zone() string {
	if name := time.Local.String(); name != "UTC" {
		return " (in " + name + ")"
	}
	return ""
}
