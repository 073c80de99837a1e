package envoytest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of times in /proc, USER_HZ: it is 100 on all Linux that Envoy
// runs on.
const clockTick = 10 * time.Millisecond

// CPU is the CPU time that Envoy has taken so far, by the kernel's account.
func (e *Envoy) CPU() (used time.Duration) {
	e.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.cmd.Process.Pid))
	if err != nil {
		e.t.Fatal(err)
	}
	// The second field is the program's name in parentheses; utime and stime are the
	// 14th and the 15th (proc_pid_stat(5)).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	for _, ticks := range fields[11:13] {
		n, err := strconv.Atoi(ticks)
		if err != nil {
			e.t.Fatal(err)
		}
		used += time.Duration(n) * clockTick
	}
	return used
}

// Memory is the resident memory of Envoy in bytes.
func (e *Envoy) Memory() int {
	e.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", e.cmd.Process.Pid))
	if err != nil {
		e.t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		e.t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
