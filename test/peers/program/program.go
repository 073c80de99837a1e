// Package program is what Thrift peers in Go have in common: the command line, and how
// results are printed. Each peer is a module of its own, and so is this package, which
// needs none.
package program

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Peer is a library as client and server of the service in ../thrift/peer.thrift.
type Peer struct {
	Name string
	// Serve serves at an address until standard input ends. It prints READY by Ready.
	Serve func(address, settings string) error
	// Dial returns a client, for one thread, whose calls end after a timeout.
	Dial func(address, settings string, timeout time.Duration) (Client, error)
}

// Client makes calls. Each result is one line: that of a call, or the error by its
// class, its number, and its text (see Describe).
type Client interface {
	// Mixed makes one of the mixed calls, by number.
	Mixed(n int) string
	Echo(text string) string
	Sleep(milliseconds int32) string
	Executions() string
	// Lane calls with the header lane, and tells what the server saw of it.
	Lane(lane string) string
	// Failing makes the call of a case with a text (see Text), for something between
	// client and server to answer.
	Failing(name, text string) (result string, err error)
	// Classify tells an error's class, the number of an exception or "", and its text.
	Classify(err error) (class, number, text string)
	Close()
}

// ErrUsage is an error of the command line.
var ErrUsage = errors.New("these arguments are not taken")

const usage = `usage: serve PORT SETTINGS
       call PORT CALLS THREADS TIMEOUT_MS SETTINGS         mixed calls
       call PORT executions THREADS TIMEOUT_MS SETTINGS    how often the server ran each method
       call PORT idle THREADS TIMEOUT_MS SETTINGS          two calls with a pause of five seconds
       call PORT sleep THREADS TIMEOUT_MS SETTINGS MS      a call that takes the server so long
       call PORT load THREADS TIMEOUT_MS SETTINGS SECONDS  calls without a pause
       call PORT lane THREADS TIMEOUT_MS SETTINGS LANE     a call with the header lane
       call PORT errors THREADS TIMEOUT_MS SETTINGS CASE ...`

// Main runs a peer with the arguments of the command line: 2 is its exit code for those
// that it does not take, settings among them.
func Main(p Peer) {
	err := p.run(os.Args[1:])
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
	if errors.Is(err, ErrUsage) {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	os.Exit(1)
}

// Ready tells that a server listens.
func Ready() { fmt.Println("READY") }

func (p *Peer) run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "serve":
		return p.Serve("127.0.0.1:"+args[1], args[2])
	case len(args) >= 6 && args[0] == "call":
		threads, err := number(args[3])
		if err != nil {
			return err
		}
		timeout, err := number(args[4])
		if err != nil {
			return err
		}
		c := caller{threads: threads, dial: func() (Client, error) {
			return p.Dial("127.0.0.1:"+args[1], args[5], time.Duration(timeout)*time.Millisecond)
		}}
		if err := c.run(args[2], args[6:]); err != nil {
			return err
		}
		fmt.Println("DONE")
		return nil
	}
	return ErrUsage
}

func number(text string) (int, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w\n%w", ErrUsage, err)
	}
	return int(n), nil
}
