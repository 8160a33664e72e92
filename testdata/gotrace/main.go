// Reads an execution trace with Go's own reader, so that Bingo's can be held
// against it. It is laid into GOROOT's src/cmd by an overlay, since nobody else
// may import internal/trace.
//
//	gotrace print FILE   each event as `go tool trace -d=parsed` prints it
//	gotrace bench FILE   events=N seconds=S peak_kb=K
//
// The clock readings of a Sync are printed as numbers. An error ends the
// output; it goes to stderr, and the exit status is 1.
package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"internal/trace"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gotrace print|bench FILE")
		os.Exit(2)
	}
	file, err := os.Open(os.Args[2])
	if err != nil {
		fail(err)
	}
	if os.Args[1] == "bench" {
		bench(file)
		return
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	_, err = each(file, func(event *trace.Event) {
		out.WriteString(text(event))
		out.WriteByte('\n')
	})
	out.Flush()
	if err != nil {
		fail(err)
	}
}

func each(file io.Reader, do func(*trace.Event)) (int, error) {
	reader, err := trace.NewReader(file)
	if err != nil {
		return 0, err
	}
	for count := 0; ; count++ {
		event, err := reader.ReadEvent()
		if err == io.EOF {
			return count, nil
		}
		if err != nil {
			return count, err
		}
		do(&event)
	}
}

func text(event *trace.Event) string {
	if event.Kind() != trace.EventSync {
		return event.String()
	}
	sync := event.Sync()
	line := fmt.Sprintf("M=%d P=%d G=%d Sync Time=%d N=%d",
		event.Thread(), event.Proc(), event.Goroutine(), event.Time(), sync.N)
	if clock := sync.ClockSnapshot; clock != nil {
		line += fmt.Sprintf(" Trace=%d Mono=%d Wall=%d.%09d",
			clock.Trace, clock.Mono, clock.Wall.Unix(), clock.Wall.Nanosecond())
	}
	return line
}

func bench(file io.Reader) {
	start := time.Now()
	count, err := each(file, func(*trace.Event) {})
	seconds := time.Since(start).Seconds()
	if err != nil {
		fail(err)
	}
	fmt.Printf("events=%d seconds=%.6f peak_kb=%s\n", count, seconds, peak())
}

// peak is the largest resident set of this process, in kB.
func peak() string {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	return strings.Fields(rest)[0]
}

func fail(err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintln(os.Stderr, first)
	os.Exit(1)
}
