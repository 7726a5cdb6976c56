// SPDX-License-Identifier: MIT OR Apache-2.0

// Records through another program's journal, with Go's standard library alone.
//
//	tesser-journal -j ./journal record --socket ./journal.sock &
//	go run client.go ./journal.sock
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"sync"
)

// Recorder is a connection to `tesser-journal record --socket`, for any number of goroutines.
type Recorder struct {
	connection net.Conn
	lock       sync.Mutex
	waiting    []chan answer // for their answers, which come in the order of the lines
	ended      bool
}

type answer struct {
	Sequence uint64 `json:"seq"`
	Error    string `json:"error"`
}

var errEnded = errors.New("the recorder ended: what was not answered may be recorded or not")

// Dial connects to the socket at the path.
func Dial(path string) (*Recorder, error) {
	connection, err := net.Dial("unix", path)
	if err != nil {
		return nil, err
	}
	r := &Recorder{connection: connection}
	go r.takeAnswers()
	return r, nil
}

func (r *Recorder) takeAnswers() {
	lines := bufio.NewReader(r.connection)
	for {
		line, err := lines.ReadBytes('\n')
		var taken answer
		if err != nil || json.Unmarshal(line, &taken) != nil {
			break
		}
		r.lock.Lock()
		first := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.lock.Unlock()
		first <- taken
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.ended = true
	for _, waiting := range r.waiting {
		waiting <- answer{Error: errEnded.Error()}
	}
}

// Record records one change as one commit, and returns its sequence when it is durable. Those that other
// goroutines record meanwhile share the flush. What a change may have in it, the command's --help tells.
func (r *Recorder) Record(change any) (uint64, error) {
	line, err := json.Marshal(change)
	if err != nil {
		return 0, err
	}
	waiting := make(chan answer, 1)
	r.lock.Lock()
	if r.ended {
		r.lock.Unlock()
		return 0, errEnded
	}
	r.waiting = append(r.waiting, waiting)
	_, err = r.connection.Write(append(line, '\n'))
	r.lock.Unlock()
	if err != nil {
		return 0, err
	}
	taken := <-waiting
	if taken.Error != "" {
		return 0, errors.New(taken.Error)
	}
	return taken.Sequence, nil
}

// Close ends the connection.
func (r *Recorder) Close() error {
	return r.connection.Close()
}

func price(symbol, price string) map[string]any {
	return map[string]any{"last_prices": map[string]string{symbol: price}}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run client.go SOCKET")
	}
	recorder, err := Dial(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer recorder.Close()
	first, err := recorder.Record(price("binance_perp:BTCUSDT", "64000.10"))
	if err != nil {
		log.Fatal(err)
	}
	var all sync.WaitGroup
	sequences := make([]uint64, 100)
	for i := range sequences {
		all.Add(1)
		go func(i int) {
			defer all.Done()
			sequence, err := recorder.Record(price(fmt.Sprintf("COIN%dUSDT", i), fmt.Sprintf("%d.50", i)))
			if err != nil {
				log.Fatal(err)
			}
			sequences[i] = sequence
		}(i)
	}
	all.Wait()
	last := first
	for _, sequence := range sequences {
		if sequence > last {
			last = sequence
		}
	}
	fmt.Printf("go: commit %d, then %d up to %d\n", first, len(sequences), last)
	if _, err = recorder.Record(map[string]any{"last_price": map[string]string{}}); err != nil {
		fmt.Printf("go: refused: %v\n", err)
	}
}
