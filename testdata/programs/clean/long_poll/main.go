// Long polls that end with news, with their time, or with their client.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

type feed struct {
	mu   sync.Mutex
	next chan struct{}
	line string
}

func (f *feed) current() (string, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.line, f.next
}

func (f *feed) publish(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.line = line
	close(f.next)
	f.next = make(chan struct{})
}

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	line, changed := f.current()
	select {
	case <-changed:
		line, _ = f.current()
	case <-r.Context().Done():
		return
	case <-time.After(200 * time.Millisecond):
	}
	fmt.Fprintln(w, line)
}

func poll(client *http.Client, address string, limit time.Duration) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			log.Fatal(err)
		}
		if response, err := client.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		cancel()
	}
}

func main() {
	f := &feed{next: make(chan struct{})}
	server := httptest.NewServer(f)
	for i := 1; i <= 4; i++ {
		go poll(server.Client(), server.URL, time.Duration(i)*60*time.Millisecond)
	}
	for n := 0; ; n++ {
		time.Sleep(90 * time.Millisecond)
		f.publish(fmt.Sprint("news ", n))
	}
}
