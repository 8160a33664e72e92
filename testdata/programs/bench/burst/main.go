// Burst parks and readies an exact number of times, so that what an observer
// received can be compared with what was made.
//
// It prints "ready", waits for a line on standard input, and then gives tokens
// to workers, each of which parks once more for each token. A token is given to
// a worker that is parked alone, so the giver never parks for it. At the end it
// prints "made <tokens> in <nanoseconds>" and lives on until its input ends.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	rate := flag.Float64("rate", 100000, "tokens a second; each is one ready and one park")
	duration := flag.Duration("duration", 10*time.Second, "how long")
	workers := flag.Int("workers", 2000, "how many goroutines share the tokens")
	flag.Parse()

	channels := make([]chan struct{}, *workers)
	for i := range channels {
		channels[i] = make(chan struct{})
		go work(channels[i])
	}
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ready")
	input := bufio.NewScanner(os.Stdin)
	input.Scan()

	start := time.Now()
	made, next := 0, 0
	for elapsed := time.Duration(0); elapsed < *duration; elapsed = time.Since(start) {
		due := int(elapsed.Seconds() * *rate)
		for tries := 0; made < due && tries < 4*len(channels); tries++ {
			select {
			case channels[next%len(channels)] <- struct{}{}:
				made++
			default:
			}
			next++
		}
		time.Sleep(200 * time.Microsecond)
	}
	took := time.Since(start)
	// The last ones park again.
	time.Sleep(200 * time.Millisecond)
	fmt.Printf("made %d in %d\n", made, took.Nanoseconds())
	input.Scan()
}

func work(tokens <-chan struct{}) {
	for range tokens {
	}
}
