// net/rpc over a connection that stays open: client and server each have a
// goroutine that waits for the other side.
package main

import (
	"log"
	"net"
	"net/rpc"
	"time"
)

type Arithmetic struct{}

type Pair struct{ A, B int }

func (Arithmetic) Add(pair Pair, sum *int) error {
	*sum = pair.A + pair.B
	return nil
}

func main() {
	server := rpc.NewServer()
	if err := server.Register(Arithmetic{}); err != nil {
		log.Fatal(err)
	}
	ours, theirs := net.Pipe()
	go server.ServeConn(theirs)
	client := rpc.NewClient(ours)
	defer client.Close()
	for n := 0; ; n++ {
		var sum int
		if err := client.Call("Arithmetic.Add", Pair{n, 1}, &sum); err != nil {
			log.Fatal(err)
		}
		time.Sleep(30 * time.Millisecond)
	}
}
