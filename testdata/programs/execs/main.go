// Executes itself anew when it is told to: another program under the same pid.
// It exits when its standard input ends.
package main

import (
	"bufio"
	"fmt"
	"os"
	"syscall"
)

func main() {
	fmt.Println("ready")
	input := bufio.NewScanner(os.Stdin)
	if input.Scan() {
		if err := syscall.Exec("/proc/self/exe", os.Args, os.Environ()); err != nil {
			panic(err)
		}
	}
}
