// Each has its own.
//
// class: nonblocking, data race, shared error
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func copyTo(disk string) error {
	if disk == "b" {
		return errors.New("disk b is full")
	}
	return nil
}

func backup(disks ...string) error {
	problems := make([]error, len(disks))
	var group sync.WaitGroup
	group.Add(len(disks))
	for i, disk := range disks {
		go func(i int, disk string) {
			defer group.Done()
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
			if problems[i] = copyTo(disk); problems[i] != nil {
				fmt.Println(problems[i])
			}
		}(i, disk)
	}
	group.Wait()
	return errors.Join(problems...)
}

func main() {
	fmt.Println(backup("a", "b", "c"))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
