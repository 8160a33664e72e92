// Counters in shards with a lock each, and a total that locks all of them,
// always in the same order.
package main

import (
	"fmt"
	"hash/crc32"
	"io"
	"sync"
	"time"
)

type shard struct {
	sync.Mutex
	hits map[string]int
}

type counters [8]shard

func (c *counters) hit(key string) {
	one := &c[crc32.ChecksumIEEE([]byte(key))%uint32(len(c))]
	one.Lock()
	defer one.Unlock()
	if one.hits == nil {
		one.hits = make(map[string]int)
	}
	one.hits[key]++
}

func (c *counters) total() (sum int) {
	for i := range c {
		c[i].Lock()
		defer c[i].Unlock()
	}
	for i := range c {
		for _, hits := range c[i].hits {
			sum += hits
		}
	}
	return sum
}

func main() {
	c := new(counters)
	for i := 0; i < 6; i++ {
		go func(i int) {
			for n := i; ; n += 5 {
				c.hit(fmt.Sprint("/page/", n%200))
				time.Sleep(300 * time.Microsecond)
			}
		}(i)
	}
	for range time.Tick(20 * time.Millisecond) {
		fmt.Fprintln(io.Discard, c.total())
	}
}
