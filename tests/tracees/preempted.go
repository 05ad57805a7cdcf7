// Many more goroutines ready to run than can: most have been preempted by a signal, at any instruction, and go on there when
// they are taken up again. What they have called until then cannot be counted, so this tracee gives no numbers.
//
// probes: uprobe:main.work uretprobe:main.work uprobe:main.multiply uretprobe:main.multiply
// requirements: 24
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
)

var rounds, mistakes int64

// Its first instruction is long enough for a jump: a short one would lead through padding, where no goroutine may be.
//
//go:noinline
func multiply(n int64) int64 { return 1001 * n }

//go:noinline
func work(n int64) int64 { return multiply(n) + 1 }

func spin() {
	for n := int64(0); ; n++ {
		if work(n) != 1001*n+1 {
			atomic.AddInt64(&mistakes, 1)
		}
		if n%1000 == 0 {
			atomic.AddInt64(&rounds, 1)
		}
	}
}

// Until all have had a turn, more or less.
func workOn(times int64) {
	for until := atomic.LoadInt64(&rounds) + times; atomic.LoadInt64(&rounds) < until; {
		runtime.Gosched()
	}
}

func main() {
	for i := 0; i < 8*runtime.NumCPU(); i++ {
		go spin()
	}
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
		os.Exit(0)
	}()
	for line := range lines {
		var times int64
		fmt.Sscanf(line[strings.IndexByte(line, ' '):], "%d", &times)
		if strings.HasPrefix(line, "turn ") {
			next := <-lines
			go func() { lines <- next }()
		} else {
			workOn(times)
		}
		if wrong := atomic.LoadInt64(&mistakes); wrong != 0 {
			fmt.Println("wrong", wrong, "results")
		} else {
			fmt.Println("ok")
		}
	}
}
