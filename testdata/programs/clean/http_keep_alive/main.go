// An HTTP server whose clients keep their connections: between two requests
// both ends of a connection wait for the other.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func shop(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "price of %s: %d\n", r.URL.Path, len(r.URL.Path))
}

func visit(client *http.Client, address string, pause time.Duration) {
	for n := 0; ; n++ {
		response, err := client.Get(fmt.Sprintf("%s/article%d", address, n))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		time.Sleep(pause)
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(shop), IdleTimeout: time.Minute}
	go func() { log.Fatal(server.Serve(listener)) }()
	for i := 1; i <= 5; i++ {
		client := &http.Client{Transport: &http.Transport{IdleConnTimeout: time.Minute}}
		go visit(client, "http://"+listener.Addr().String(), time.Duration(i*i*i)*20*time.Millisecond)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
