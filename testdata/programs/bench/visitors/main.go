// Visitors put load on an HTTP server over connections that they keep: most ask
// for one page after the other, with a pause, some hold a stream open.
//
// Each interval it prints a line: the nanoseconds since its start, the answers so
// far, those that were no 200 or 204, and the failures so far.
package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

var answers, refused, failures atomic.Uint64

func main() {
	connections := flag.Int("connections", 1000, "connections, each with a visitor")
	pause := flag.Duration("pause", 100*time.Millisecond, "between two requests of a visitor")
	streams := flag.String("stream", "", "a path that a tenth of the visitors hold open; none: empty")
	duration := flag.Duration("duration", 0, "end after this; 0: never")
	interval := flag.Duration("interval", time.Second, "time between lines")
	flag.Parse()
	if flag.NArg() < 2 {
		fmt.Fprintln(os.Stderr, "usage: visitors [flags] http://host:port path ... ; POST:path sends a body")
		os.Exit(2)
	}
	host, paths := flag.Arg(0), flag.Args()[1:]
	for n := 0; n < *connections; n++ {
		// A connection of his own.
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
		if *streams != "" && n%10 == 0 {
			go hold(client, host+*streams)
		} else {
			go visit(client, host, paths, n, *pause)
		}
	}
	begun := time.Now()
	for {
		time.Sleep(*interval)
		fmt.Println(time.Since(begun).Nanoseconds(), answers.Load(), refused.Load(), failures.Load())
		if *duration > 0 && time.Since(begun) >= *duration {
			return
		}
	}
}

func visit(client *http.Client, host string, paths []string, from int, pause time.Duration) {
	time.Sleep(pause * time.Duration(from%100) / 100)
	for n := from; ; n++ {
		path, post := strings.CutPrefix(paths[n%len(paths)], "POST:")
		var answer *http.Response
		var err error
		if post {
			answer, err = client.Post(host+path, "text/plain", strings.NewReader("article7"))
		} else {
			answer, err = client.Get(host + path)
		}
		note(answer, err)
		time.Sleep(pause)
	}
}

func hold(client *http.Client, address string) {
	for {
		answer, err := client.Get(address)
		note(answer, err)
		time.Sleep(time.Second)
	}
}

// note reads an answer to its end.
func note(answer *http.Response, err error) {
	if err != nil {
		failures.Add(1)
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		refused.Add(1)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		failures.Add(1)
		return
	}
	answers.Add(1)
}
