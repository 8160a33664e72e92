// Three listeners, each with its accept loop; connections that are open and
// silent, and a main that waits for all loops.
package main

import (
	"bufio"
	"fmt"
	"log"
	"net"
	"strings"
	"sync"
	"time"
)

func accept(listener net.Listener, loops *sync.WaitGroup) {
	defer loops.Done()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		go converse(connection)
	}
}

func converse(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		fmt.Fprintln(connection, strings.ToUpper(lines.Text()))
	}
}

func call(address string, talk bool) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer connection.Close()
	answers := bufio.NewScanner(connection)
	for {
		if talk {
			fmt.Fprintln(connection, "hello")
			time.Sleep(20 * time.Millisecond)
		}
		if !answers.Scan() {
			return
		}
	}
}

func main() {
	var loops sync.WaitGroup
	for i := 0; i < 3; i++ {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			log.Fatal(err)
		}
		loops.Add(1)
		go accept(listener, &loops)
		go call(listener.Addr().String(), i == 0)
	}
	loops.Wait()
}
