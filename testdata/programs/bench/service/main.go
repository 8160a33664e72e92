// Service is an HTTP service as many are built: a cache behind a read–write lock
// that a ticker refreshes, orders that a pool of workers fulfils, a feed that
// subscribers hold open, a long poll, a limit on what is costly, and a shutdown.
//
// It prints "http://<address>" and serves until SIGINT or SIGTERM.
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// prices are read by each request, and written anew every second.
type prices struct {
	mu sync.RWMutex
	of map[string]int
}

func (p *prices) get(article string) (int, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	price, ok := p.of[article]
	return price, ok
}

func (p *prices) refresh(round int) {
	fresh := make(map[string]int, 1000)
	for n := 0; n < 1000; n++ {
		fresh["article"+strconv.Itoa(n)] = n + round
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of = fresh
}

func (p *prices) keepFresh(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for round := 1; ; round++ {
		select {
		case <-ticker.C:
			p.refresh(round)
		case <-ctx.Done():
			return
		}
	}
}

// order is fulfilled by one of the workers.
type order struct {
	article string
	done    chan [sha256.Size]byte
}

// orders go to a pool of workers.
type orders struct {
	queue   chan order
	workers sync.WaitGroup
}

func (o *orders) start(workers int) {
	for n := 0; n < workers; n++ {
		o.workers.Add(1)
		go o.work()
	}
}

func (o *orders) work() {
	defer o.workers.Done()
	for next := range o.queue {
		sum := sha256.Sum256([]byte(next.article))
		for n := 0; n < 20; n++ {
			sum = sha256.Sum256(sum[:])
		}
		next.done <- sum
	}
}

func (o *orders) place(ctx context.Context, article string) ([sha256.Size]byte, error) {
	// A worker is never kept by a customer who has left.
	placed := order{article, make(chan [sha256.Size]byte, 1)}
	select {
	case o.queue <- placed:
	case <-ctx.Done():
		return [sha256.Size]byte{}, ctx.Err()
	}
	select {
	case sum := <-placed.done:
		return sum, nil
	case <-ctx.Done():
		return [sha256.Size]byte{}, ctx.Err()
	}
}

// feed tells all subscribers what happens; who is slow misses some of it.
type feed struct {
	mu          sync.Mutex
	subscribers map[chan string]struct{}
}

func (f *feed) subscribe() chan string {
	news := make(chan string, 8)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers[news] = struct{}{}
	return news
}

func (f *feed) unsubscribe(news chan string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subscribers, news)
}

func (f *feed) publish(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for news := range f.subscribers {
		select {
		case news <- what:
		default:
		}
	}
}

func (f *feed) run(ctx context.Context) {
	for n := 0; ; n++ {
		select {
		case <-time.After(500 * time.Millisecond):
			f.publish(strconv.Itoa(n))
		case <-ctx.Done():
			return
		}
	}
}

type service struct {
	prices prices
	orders orders
	feed   feed
	// costly has a slot for each report that is made at once.
	costly chan struct{}
}

func (s *service) price(w http.ResponseWriter, r *http.Request) {
	price, ok := s.prices.get(r.URL.Query().Get("article"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintln(w, price)
}

func (s *service) order(w http.ResponseWriter, r *http.Request) {
	article, err := io.ReadAll(io.LimitReader(r.Body, 1024))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sum, err := s.orders.place(r.Context(), string(article))
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintf(w, "%x\n", sum)
}

// news streams the feed as long as the subscriber listens.
func (s *service) news(w http.ResponseWriter, r *http.Request) {
	news := s.feed.subscribe()
	defer s.feed.unsubscribe(news)
	for {
		select {
		case what := <-news:
			if _, err := fmt.Fprintf(w, "data: %s\n\n", what); err != nil {
				return
			}
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// wait answers when something happens, or in ten seconds.
func (s *service) wait(w http.ResponseWriter, r *http.Request) {
	news := s.feed.subscribe()
	defer s.feed.unsubscribe(news)
	select {
	case what := <-news:
		fmt.Fprintln(w, what)
	case <-time.After(10 * time.Second):
		w.WriteHeader(http.StatusNoContent)
	case <-r.Context().Done():
	}
}

// report asks two sides at once, and takes a slot meanwhile.
func (s *service) report(w http.ResponseWriter, r *http.Request) {
	select {
	case s.costly <- struct{}{}:
		defer func() { <-s.costly }()
	case <-r.Context().Done():
		return
	}
	var group sync.WaitGroup
	var sums [2]int
	for side := range sums {
		side := side
		group.Add(1)
		go func() {
			defer group.Done()
			for n := 0; n < 100; n++ {
				price, _ := s.prices.get("article" + strconv.Itoa(2*n+side))
				sums[side] += price
			}
		}()
	}
	group.Wait()
	fmt.Fprintln(w, sums[0]+sums[1])
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to serve")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	s := &service{costly: make(chan struct{}, 4)}
	s.orders.queue = make(chan order)
	s.feed.subscribers = make(map[chan string]struct{})
	s.prices.refresh(0)
	s.orders.start(8)
	var background sync.WaitGroup
	for _, run := range []func(context.Context){s.prices.keepFresh, s.feed.run} {
		run := run
		background.Add(1)
		go func() {
			defer background.Done()
			run(ctx)
		}()
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/price", s.price)
	routes.HandleFunc("/order", s.order)
	routes.HandleFunc("/news", s.news)
	routes.HandleFunc("/wait", s.wait)
	routes.HandleFunc("/report", s.report)
	server := &http.Server{Handler: routes, BaseContext: func(net.Listener) context.Context { return ctx }}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Printf("http://%s\n", listener.Addr())
	<-ctx.Done()
	limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(limited); err != nil {
		log.Print(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
	}
	close(s.orders.queue)
	s.orders.workers.Wait()
	background.Wait()
}
