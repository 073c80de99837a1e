// Command dubbogo is a peer for the tests: a dubbo-go server or client of the service
// dev.meltemi.peer.Peer, which the Java peers have too (see ../java).
//
//	dubbogo serve PORT HEARTBEAT                  serves until its standard input ends
//	dubbogo call PORT WHAT THREADS TIMEOUT [ARG]  prints a line for each result, TIMEOUT in milliseconds
//
// WHAT is the number of mixed calls, or one of these:
//
//	executions  how often the server ran each method
//	idle        two calls with a pause that is longer than several heartbeats
//	sleep       a call that takes the server ARG milliseconds
//	errors      calls that something on the way is to answer, a case for each ARG
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/config"
	_ "dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/protocol/dubbo"
	_ "dubbo.apache.org/dubbo-go/v3/proxy/proxy_factory"
	hessian "github.com/apache/dubbo-go-hessian2"
)

const service = "dev.meltemi.peer.Peer"

func main() {
	hessian.RegisterPOJO(&Person{})
	hessian.RegisterPOJO(&DeclaredError{})
	hessian.RegisterPOJO(&UndeclaredError{})
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dubbogo:", err)
		os.Exit(1)
	}
}

// configure sets what dubbo-go takes from its global configuration alone. It sends
// heartbeats as often as is told, and closes a connection that leaves four in a row
// without an answer.
func configure(heartbeat string) {
	config.SetRootConfig(*config.NewRootConfigBuilder().AddProtocol(constant.Dubbo, config.NewProtocolConfigBuilder().
		SetName(constant.Dubbo).SetParams(map[string]any{
		// All calls of a client are on one connection. The default is 16, which is more
		// than there are calls at a time.
		"connection-number": 1,
		"heartbeat-period":  heartbeat,
		"heartbeat-timeout": "500ms",
		// The default is 100 KiB.
		"getty-session-param": map[string]any{"max-msg-len": 8 << 20},
	}).Build()).Build())
}

var errUsage = errors.New("usage: dubbogo serve PORT HEARTBEAT | call PORT CALLS|executions|idle|sleep|errors THREADS TIMEOUT [ARG ...]")

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "serve":
		configure(args[2])
		return serve(args[1])
	case len(args) >= 5 && args[0] == "call":
		configure("1s")
		threads, err := strconv.Atoi(args[3])
		if err != nil {
			return fmt.Errorf("threads: %w", err)
		}
		millis, err := strconv.Atoi(args[4])
		if err != nil {
			return fmt.Errorf("timeout: %w", err)
		}
		c, err := dial(args[1], time.Duration(millis)*time.Millisecond)
		if err != nil {
			return err
		}
		return c.run(args[2], threads, args[5:])
	}
	return errUsage
}
