// Done is deferred.
//
// class: communication, WaitGroup, Done missing
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

type mirror struct{ group sync.WaitGroup }

func (m *mirror) download(address string) error {
	defer m.group.Done()
	if !strings.HasPrefix(address, "https:") {
		return errors.New("not secure: " + address)
	}
	time.Sleep(10 * time.Millisecond)
	return nil
}

func (m *mirror) update(addresses ...string) {
	for _, address := range addresses {
		m.group.Add(1)
		go func(address string) { _ = m.download(address) }(address)
	}
	m.group.Wait()
	fmt.Println("updated", len(addresses))
}

func main() {
	m := new(mirror)
	go m.update("https://a.example", "http://b.example", "https://c.example")
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
