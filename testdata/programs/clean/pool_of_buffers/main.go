// Encoders take buffers of a sync.Pool and give them back; the channel between
// them has a bound.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

type record struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

func encode(records <-chan record, lengths chan<- int) {
	for one := range records {
		buffer := buffers.Get().(*bytes.Buffer)
		buffer.Reset()
		if err := json.NewEncoder(buffer).Encode(one); err == nil {
			lengths <- buffer.Len()
		}
		buffers.Put(buffer)
	}
}

func main() {
	records, lengths := make(chan record, 4), make(chan int, 4)
	for i := 0; i < 3; i++ {
		go encode(records, lengths)
	}
	go func() {
		total := 0
		for length := range lengths {
			total += length
		}
	}()
	for id := 0; ; id++ {
		records <- record{id, fmt.Sprint("record ", id)}
		time.Sleep(time.Millisecond)
	}
}
