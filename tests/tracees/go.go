// Goroutines whose stacks grow and move, preemption by signals, collections of garbage, panics, and a server under load.
// Every goroutine works on a stack that is as short as stacks of goroutines are.
//
// probes: uprobe:main.work uretprobe:main.work uprobe:main.deep uretprobe:main.deep uprobe:main.handle uprobe:main.failing
// requirements: 16 24
package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

const goroutines = 16

var problem atomic.Value
var works, deeps, handles, failures int64

func wrong(format string, values ...any) { problem.CompareAndSwap(nil, fmt.Sprintf(format, values...)) }

//go:noinline
func triple(n int64) int64 { return 3 * n }

//go:noinline
func work(n int64) int64 { return triple(n) + 1 }

// Uses more stack than a goroutine begins with.
//
//go:noinline
func deep(n int64) int64 {
	var room [200]byte
	room[n%200] = byte(n)
	if n == 0 {
		return int64(room[0])
	}
	return deep(n-1) + int64(room[n%200]) - int64(byte(n)) + 1
}

//go:noinline
func failing(n int64) { panic(n) }

func caught(n int64) (result any) {
	defer func() { result = recover() }()
	failing(n)
	return nil
}

//go:noinline
func handle(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }

var server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(w, r) }))
var garbage [goroutines][]byte

func one(id int, times int64) {
	const depth = 50
	for i := int64(0); i < times; i++ {
		if got := work(i); got != 3*i+1 {
			wrong("work(%d) is %d", i, got)
		}
		garbage[id] = make([]byte, 1000)
	}
	if got := deep(depth); got != depth {
		wrong("deep(%d) is %d", depth, got)
	}
	if got := caught(times); got != times {
		wrong("caught(%d) is %v", times, got)
	}
	response, err := http.Get(fmt.Sprintf("%s/%d", server.URL, id))
	if err != nil {
		wrong("request: %v", err)
	} else {
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if string(body) != fmt.Sprintf("/%d", id) {
			wrong("the answer is %q", body)
		}
	}
	atomic.AddInt64(&works, times)
	atomic.AddInt64(&deeps, depth+1)
	atomic.AddInt64(&handles, 1)
	atomic.AddInt64(&failures, 1)
}

func workOn(times int64) {
	var all sync.WaitGroup
	for id := 0; id < goroutines; id++ {
		all.Add(1)
		go func(id int) {
			defer all.Done()
			one(id, times)
		}(id)
	}
	runtime.GC()
	all.Wait()
}

func main() {
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		os.Exit(0)
	}()
	for line := range lines {
		var times int64
		works, deeps, handles, failures = 0, 0, 0, 0
		problem = atomic.Value{}
		if strings.HasPrefix(line, "run ") {
			fmt.Sscanf(line, "run %d", &times)
			workOn(times)
		} else {
			fmt.Sscanf(line, "turn %d", &times)
			next := ""
			for next == "" {
				workOn(times)
				select {
				case next = <-lines:
				default:
				}
			}
			go func() { lines <- next }()
		}
		if what := problem.Load(); what != nil {
			fmt.Println("wrong", what)
		} else {
			fmt.Println("ok", works, works, deeps, deeps, handles, failures)
		}
	}
}
