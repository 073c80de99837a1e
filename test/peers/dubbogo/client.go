package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	"dubbo.apache.org/dubbo-go/v3/common/extension"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/protocol/invocation"
	hessian "github.com/apache/dubbo-go-hessian2"
)

// caller makes calls.
type caller struct {
	invoker protocol.Invoker
	timeout time.Duration
}

// dial connects below dubbo-go's Client, which has no way to set attachments.
func dial(port int, timeout time.Duration) (*caller, error) {
	url := common.NewURLWithOptions(
		common.WithProtocol(constant.Dubbo), common.WithIp("127.0.0.1"), common.WithPort(strconv.Itoa(port)),
		common.WithLocation(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))), common.WithPath(service),
		common.WithParamsValue(constant.InterfaceKey, service),
		common.WithParamsValue(constant.SerializationKey, constant.Hessian2Serialization),
	)
	invoker := extension.GetProtocol(constant.Dubbo).Refer(url)
	if invoker == nil {
		return nil, fmt.Errorf("nobody answers at port %d", port)
	}
	return &caller{invoker, timeout}, nil
}

// call makes the calls, some at a time, and prints their results in order.
func call(port, calls, threads int, timeout time.Duration) error {
	c, err := dial(port, timeout)
	if err != nil {
		return err
	}
	lines := make([]string, calls)
	var next sync.Mutex
	started := 0
	var all sync.WaitGroup
	for range threads {
		all.Go(func() {
			for {
				next.Lock()
				n := started
				started++
				next.Unlock()
				if n >= calls {
					return
				}
				lines[n] = c.numbered(n)
			}
		})
	}
	all.Wait()
	for n, line := range lines {
		fmt.Printf("= %d %s\n", n, line)
	}
	fmt.Println("DONE")
	return nil
}

func executions(port int) error {
	c, err := dial(port, 10*time.Second)
	if err != nil {
		return err
	}
	fmt.Println("=", describe(invoke[string](c, nil, "executions")))
	fmt.Println("DONE")
	return nil
}

// invoke makes a call whose result is a T.
func invoke[T any](c *caller, attachments map[string]any, method string, arguments ...any) (any, error) {
	var result T
	all := map[string]any{constant.TimeoutKey: c.timeout.String()}
	maps.Copy(all, attachments)
	answer := c.invoker.Invoke(context.Background(), invocation.NewRPCInvocationWithOptions(
		invocation.WithMethodName(method), invocation.WithArguments(arguments), invocation.WithReply(&result),
		invocation.WithParameterRawValues(append(slices.Clone(arguments), &result)), invocation.WithAttachments(all),
	))
	return result, answer.Error()
}

// numbered makes the calls of the Java consumer, by number, in a mix that repeats.
func (c *caller) numbered(n int) string {
	text := fmt.Sprint("call ", n)
	switch n % 18 {
	case 0:
		return describe(invoke[string](c, nil, "echo", text))
	case 1:
		return describe(invoke[string](c, nil, "echo", fmt.Sprint("grüße, 世界 😀 ", n)))
	case 2:
		return describe(invoke[string](c, nil, "echo", ""))
	case 3:
		return describe(invoke[string](c, nil, "echo", strings.Repeat(fmt.Sprintf("long %d ", n), 10000)))
	case 4:
		return describe(invoke[*Person](c, nil, "person", person(n)))
	case 5:
		return describe(invoke[[]any](c, nil, "list", []any{int32(n), "two", 3.5, nil, true, []any{int64(1) << 40, "x"}}))
	case 6:
		return describe(invoke[map[any]any](c, nil, "map", map[any]any{"n": int32(n), "nothing": nil, "nested": map[any]any{"k": "v"}}))
	case 7:
		size := 1000 + n
		if n%180 == 7 {
			size = 1 << 20
		}
		return describe(invoke[[]byte](c, nil, "bytes", make([]byte, size)))
	case 8:
		return describe(invoke[int64](c, nil, "add", int32(n), int64(1)<<40))
	case 9:
		return describe(invoke[any](c, nil, "nothing", text))
	case 10:
		return describe(invoke[any](c, nil, "noResult", text))
	case 11:
		return describe(invoke[string](c, nil, "declared", text))
	case 12:
		return describe(invoke[string](c, nil, "undeclared", text))
	case 13:
		return describe(invoke[string](c, nil, "illegal", text))
	case 14:
		return describe(invoke[string](c, nil, "async", text))
	case 15:
		// Without a callback, an asynchronous call of dubbo-go is one-way on the wire.
		return describe(invoke[any](c, map[string]any{constant.AsyncKey: "true"}, "oneway", text))
	case 16:
		return describe(invoke[any](c, map[string]any{constant.GenericKey: "true"}, constant.Generic,
			"echo", []string{"java.lang.String"}, []hessian.Object{text}))
	default:
		return describe(invoke[string](c, map[string]any{
			"lane": fmt.Sprint("lane-", n), "tenant": "blue", "unicode": "grüße 😀",
		}, "attachments", text))
	}
}

func person(n int) *Person {
	p := &Person{Name: fmt.Sprint("person ", n), Age: int32(n), Weight: float64(n) / 3}
	p.Friend = p
	child := &Person{Name: "child", Friend: p}
	p.Children = []*Person{child, child}
	return p
}

// describe tells what a call gave: its result, or its error by type and text.
func describe(result any, err error) string {
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Sprintf("%T: %s", err, line)
	}
	text := fmt.Sprint(result)
	if len(text) <= 200 {
		return text
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return fmt.Sprintf("%d bytes, hash %x", len(text), h.Sum64())
}

// awaitListener waits until somebody listens at the port.
func awaitListener(port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	var err error
	for range 100 {
		var conn net.Conn
		if conn, err = net.Dial("tcp", address); err == nil {
			return conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}
