// A program whose packages have started goroutines before main began: a clock
// that ticks and a log that is written in the background. Main uses the log
// seldom.
package main

import (
	"fmt"
	"time"
)

func main() {
	for n := 0; ; n++ {
		background.print(fmt.Sprint("round ", n, " at ", clock.Load()))
		time.Sleep(400 * time.Millisecond)
	}
}
