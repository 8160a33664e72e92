// The store is set first.
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
		if s.rows != nil {
			fmt.Fprintln(io.Discard, len(s.rows.rows))
		}
	}
}

func newService() *service {
	s := new(service)
	s.rows = &store{rows: []string{"first"}}
	go s.loop()
	return s
}

func main() {
	newService()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}
