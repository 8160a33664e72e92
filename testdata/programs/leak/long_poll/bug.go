// The service of a long poll waits for news alone; when the client has hung up,
// it goes on waiting.
//
// class: leak, HTTP request abandoned by its client
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

type feed struct{ news chan string }

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	line := <-f.news // want goroutine_leak 4
	fmt.Fprintln(w, line)
}

func poll(client *http.Client, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func main() {
	server := httptest.NewServer(&feed{news: make(chan string)})
	for i := 0; i < 4; i++ {
		fmt.Println(poll(server.Client(), server.URL))
	}
	go batches()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Every batch ends before the next begins.
func batches() {
	for n := 0; ; n++ {
		var parts sync.WaitGroup
		for part := 0; part < 3; part++ {
			parts.Add(1)
			go func(part int) {
				defer parts.Done()
				time.Sleep(time.Duration(part) * time.Millisecond)
			}(part)
		}
		parts.Wait()
		time.Sleep(20 * time.Millisecond)
	}
}
