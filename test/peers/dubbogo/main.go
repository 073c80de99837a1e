// Command dubbogo is a peer for the tests: a dubbo-go server or client of the service
// dev.meltemi.peer.Peer, which the Java peers have too (see ../java). It is a module of
// its own, since dubbo-go brings a few hundred others.
//
//	dubbogo serve PORT                       serves until its standard input ends
//	dubbogo call PORT CALLS THREADS TIMEOUT  prints a line for each call, TIMEOUT in milliseconds
//	dubbogo executions PORT                  prints how often the server ran each method
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/config"
	_ "dubbo.apache.org/dubbo-go/v3/filter/echo"
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
	liftMessageLimit()
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "dubbogo:", err)
		os.Exit(1)
	}
}

// liftMessageLimit lifts dubbo-go's limit of 100 KiB, for both sides.
func liftMessageLimit() {
	session := map[string]any{"max-msg-len": 8 << 20}
	config.SetRootConfig(*config.NewRootConfigBuilder().AddProtocol(constant.Dubbo, config.NewProtocolConfigBuilder().
		SetName(constant.Dubbo).SetParams(map[string]any{"getty-session-param": session}).Build()).Build())
}

var errUsage = errors.New("usage: dubbogo serve PORT | call PORT CALLS THREADS TIMEOUT | executions PORT")

func run(args []string) error {
	var numbers []int
	for _, a := range args[min(1, len(args)):] {
		n, err := strconv.Atoi(a)
		if err != nil {
			return fmt.Errorf("%w\n%w", err, errUsage)
		}
		numbers = append(numbers, n)
	}
	switch {
	case len(args) == 2 && args[0] == "serve":
		return serve(numbers[0])
	case len(args) == 5 && args[0] == "call":
		return call(numbers[0], numbers[1], numbers[2], time.Duration(numbers[3])*time.Millisecond)
	case len(args) == 2 && args[0] == "executions":
		return executions(numbers[0])
	}
	return errUsage
}
