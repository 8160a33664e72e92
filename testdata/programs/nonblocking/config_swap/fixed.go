// They are swapped as one atomic pointer.
//
// class: nonblocking, data race, configuration
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

type settings struct {
	limit int
	hosts []string
}

type proxy struct {
	current atomic.Pointer[settings]
}

func (p *proxy) route(n int) string {
	hosts := p.current.Load().hosts
	return hosts[n%len(hosts)]
}

func (p *proxy) reload(hosts ...string) {
	p.current.Store(&settings{limit: len(hosts), hosts: hosts})
}

func main() {
	p := new(proxy)
	p.reload("a", "b")
	go func() {
		for n := 0; n < 5; n++ {
			fmt.Fprintln(io.Discard, p.route(n))
			time.Sleep(10 * time.Millisecond)
		}
	}()
	time.Sleep(25 * time.Millisecond)
	p.reload("c", "d")
	go mailer()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
}

// The letters come now and then; in between the postmen are idle.
func mailer() {
	letters := make(chan string)
	for i := 0; i < 3; i++ {
		go func() {
			for letter := range letters {
				fmt.Fprintln(io.Discard, letter)
			}
		}()
	}
	for n := 0; ; n++ {
		letters <- fmt.Sprint("letter ", n)
		time.Sleep(15 * time.Millisecond)
	}
}
