// Serves net/http/pprof on a port of its own, prints the address, and leaks
// goroutines; and beside it what else an address may lead to. It ends when its
// standard input does.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"time"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go leak()
	trace := "/debug/pprof/trace?seconds=0.5"
	http.Handle("/moved", http.RedirectHandler(trace, http.StatusFound))
	http.Handle("/around", http.RedirectHandler("/around", http.StatusFound))
	http.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!DOCTYPE html><title>Log in</title>")
	})
	http.HandleFunc("/text", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "goroutine profile: total 7")
	})
	http.HandleFunc("/private", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, trace, http.StatusFound)
	})
	http.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no room left", http.StatusInternalServerError)
	})
	http.HandleFunc("/silent", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	})
	go http.Serve(listener, nil)
	fmt.Printf("http://%s\n", listener.Addr())
	io.Copy(io.Discard, os.Stdin)
}

// leak leaves a goroutine behind now and then that nobody receives from.
func leak() {
	for {
		results := make(chan int)
		go func() { results <- 1 }() // want leak
		time.Sleep(20 * time.Millisecond)
	}
}
