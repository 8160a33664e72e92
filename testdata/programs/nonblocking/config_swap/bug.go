// A reload replaces the settings while requests read them.
//
// class: nonblocking, data race, configuration
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type settings struct {
	limit int
	hosts []string
}

type proxy struct {
	current settings
}

func (p *proxy) route(n int) string {
	hosts := p.current.hosts   // want data_race
	return hosts[n%len(hosts)] // may data_race
}

func (p *proxy) reload(hosts ...string) {
	p.current = settings{limit: len(hosts), hosts: hosts} // want data_race
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
	p.reload("c", "d") // may data_race
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
