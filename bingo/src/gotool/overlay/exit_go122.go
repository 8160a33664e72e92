//go:build !go1.23

package ring

import _ "unsafe"

//go:linkname addExitHook runtime.addExitHook
func addExitHook(f func(), runOnNonZeroExit bool)

func bingoAtExit(stop func()) {
	addExitHook(stop, true)
}
