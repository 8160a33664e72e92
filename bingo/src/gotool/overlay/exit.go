//go:build go1.23

package ring

import "internal/runtime/exithook"

func bingoAtExit(stop func()) {
	exithook.Add(exithook.Hook{F: stop, RunOnFailure: true})
}
