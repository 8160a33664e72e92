// The server starts its loop before the constructor has set the store; the loop
// reads the field all the same.
//
// class: nonblocking, order violation
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type store struct{ rows []string }

type service struct{ rows *store }

func (s *service) loop() {
	for i := 0; i < 3; i++ {
		time.Sleep(20 * time.Millisecond)
		if s.rows != nil { // want data_race
			fmt.Fprintln(io.Discard, len(s.rows.rows)) // may data_race
		}
	}
}

func newService() *service {
	s := new(service)
	go s.loop()
	s.rows = &store{rows: []string{"first"}} // want data_race
	return s
}

func main() {
	newService()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
