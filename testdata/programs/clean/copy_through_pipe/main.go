// A stream through io.Pipe, compressed on one side and read on the other; each
// side waits for the other at every block.
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"time"
)

func pack(out *io.PipeWriter, lines int) {
	packer := gzip.NewWriter(out)
	for n := 0; n < lines; n++ {
		if _, err := fmt.Fprintln(packer, "line", n); err != nil {
			break
		}
	}
	out.CloseWithError(packer.Close())
}

func unpack(in io.Reader) (lines int, err error) {
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return 0, err
	}
	scanner := bufio.NewScanner(unpacked)
	for scanner.Scan() {
		lines++
	}
	return lines, scanner.Err()
}

func main() {
	for round := 0; ; round++ {
		in, out := io.Pipe()
		go pack(out, 500)
		lines, err := unpack(in)
		in.Close()
		fmt.Fprintln(io.Discard, lines, err)
		time.Sleep(15 * time.Millisecond)
	}
}
