// Most of what there is sleeps: nightly work, a weekly report, a lease that is
// renewed in an hour.
package main

import (
	"fmt"
	"sync/atomic"
	"time"
)

type nightly struct{ runs atomic.Int32 }

func (n *nightly) loop(every time.Duration) {
	for {
		time.Sleep(every)
		n.runs.Add(1)
	}
}

func report(after time.Duration, quit <-chan struct{}) {
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
		fmt.Println("the week is over")
	case <-quit:
	}
}

func main() {
	n := new(nightly)
	go n.loop(24 * time.Hour)
	go n.loop(time.Hour)
	quit := make(chan struct{})
	go report(7*24*time.Hour, quit)
	lease := time.AfterFunc(time.Hour, func() { fmt.Println("renewed") })
	defer lease.Stop()
	<-time.After(8 * time.Hour)
	close(quit)
}
