//go:build go1.24

package main

import "runtime"

// inCleanup keeps a channel in what is to be called when an object is gone.
type inCleanup struct{ back inChannel }

func (p inCleanup) put(c chan int) {
	runtime.AddCleanup(&kept{}, p.back.put, c)
}

func (p inCleanup) take() chan int { return p.back.take() }

func init() {
	more = append(more, func(back inChannel) place { return inCleanup{back} })
}
