// The client of each connection goes away without closing it, and the server's
// goroutine waits for the next command.
//
// class: leak, connection never closed
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func answer(connection net.Conn) {
	defer connection.Close()
	command := make([]byte, 4)
	for {
		if _, err := io.ReadFull(connection, command); err != nil { // want goroutine_leak 5
			return
		}
		if _, err := connection.Write([]byte("done")); err != nil {
			return
		}
	}
}

func command(text string) string {
	ours, theirs := net.Pipe()
	go answer(theirs)
	if _, err := ours.Write([]byte(text)); err != nil {
		return err.Error()
	}
	reply := make([]byte, 4)
	if _, err := io.ReadFull(ours, reply); err != nil {
		return err.Error()
	}
	return string(reply)
}

func main() {
	for _, text := range []string{"load", "scan", "sort", "save", "quit"} {
		fmt.Println(command(text))
	}
	go kitchen()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// Two cooks wait for orders, which come in twos.
func kitchen() {
	var pass sync.Mutex
	ordered, orders := sync.NewCond(&pass), 0
	for cook := 0; cook < 2; cook++ {
		go func() {
			pass.Lock()
			defer pass.Unlock()
			for {
				for orders == 0 {
					ordered.Wait()
				}
				orders--
			}
		}()
	}
	for range time.Tick(35 * time.Millisecond) {
		pass.Lock()
		orders += 2
		pass.Unlock()
		ordered.Broadcast()
	}
}
