// Laid over GOROOT's container/ring by `bingo collect`, which nobody sees in the
// program: it starts the execution tracer. A package of the standard library that
// imports next to nothing is initialised before nearly all others, so that what the
// program's own packages do in their init functions is in the trace.

package ring

import (
	"runtime"
	"syscall"
)

func init() {
	text, ok := syscall.Getenv("BINGO_COLLECT_TRACE")
	if !ok {
		return
	}
	// Neither the variable nor the file is for the programs that this one starts.
	syscall.Unsetenv("BINGO_COLLECT_TRACE")
	file := 0
	for _, digit := range []byte(text) {
		file = file*10 + int(digit-'0')
	}
	syscall.CloseOnExec(file)
	if runtime.StartTrace() != nil {
		return
	}
	go bingoWrite(file)
	// When main returns, at os.Exit, and by what calls it (log.Fatal).
	bingoAtExit(runtime.StopTrace)
}

// bingoWrite writes the trace until it is stopped. runtime.StopTrace waits for that.
func bingoWrite(file int) {
	for {
		piece := runtime.ReadTrace()
		if piece == nil {
			return
		}
		for len(piece) > 0 {
			n, err := syscall.Write(file, piece)
			if err == syscall.EINTR || err == syscall.EAGAIN {
				continue
			}
			if err != nil {
				// A full disk: what is left goes nowhere, and the program goes on.
				break
			}
			piece = piece[n:]
		}
	}
}
