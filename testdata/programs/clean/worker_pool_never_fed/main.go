// Workers that have had nothing to do yet: what they wait for is a request to a
// server that nobody has called.
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
)

var tasks = make(chan string, 16)

func worker(id int) {
	for task := range tasks {
		fmt.Println(id, task)
	}
}

type api struct{}

func (api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tasks <- r.URL.Path
	w.WriteHeader(http.StatusAccepted)
}

func main() {
	for id := 0; id < 6; id++ {
		go worker(id)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, api{}))
}
