package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	hessian "github.com/apache/dubbo-go-hessian2"
	"github.com/apache/dubbo-go-hessian2/java_exception"
)

// run makes the calls that what names, and prints their results.
func (c *caller) run(what string, threads int, args []string) error {
	switch what {
	case "executions":
		printResult(describe(invoke[string](c, "executions")))
	case "idle":
		printResult(describe(invoke[string](c, "echo", "before")))
		time.Sleep(5 * time.Second)
		printResult(describe(invoke[string](c, "echo", "after")))
	case "sleep":
		if len(args) != 1 {
			return errUsage
		}
		millis, err := strconv.ParseInt(args[0], 10, 32)
		if err != nil {
			return fmt.Errorf("milliseconds: %w", err)
		}
		printResult(describe(invoke[string](c, "sleep", int32(millis))))
	case "errors":
		for _, name := range args {
			printResult(c.failing(name))
		}
	default:
		calls, err := strconv.Atoi(what)
		if err != nil {
			return fmt.Errorf("%w\n%w", err, errUsage)
		}
		for n, line := range c.mixed(calls, threads) {
			printResult(fmt.Sprint(n, " ", line))
		}
	}
	fmt.Println("DONE")
	return nil
}

// printResult prints a result, marked so that it cannot be taken for a log line.
func printResult(result string) { fmt.Println("=", result) }

// mixed makes the calls, some at a time, and returns their results in order.
func (c *caller) mixed(calls, threads int) []string {
	lines := make([]string, calls)
	var next atomic.Int64
	var all sync.WaitGroup
	for range threads {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < calls; n = int(next.Add(1)) - 1 {
				lines[n] = describe(c.numbered(n))
			}
		})
	}
	all.Wait()
	return lines
}

// numbered makes one of the calls of the Java consumer, by number, in a mix that
// repeats. dubbo-go can make all of them.
func (c *caller) numbered(n int) (any, error) {
	text := fmt.Sprint("call ", n)
	switch n % 18 {
	case 0:
		return invoke[string](c, "echo", text)
	case 1:
		return invoke[string](c, "echo", fmt.Sprint("grüße, 世界 😀 ", n))
	case 2:
		return invoke[string](c, "echo", "")
	case 3:
		return invoke[string](c, "echo", strings.Repeat(fmt.Sprintf("long %d ", n), 10000))
	case 4:
		return invoke[*Person](c, "person", person(n))
	case 5:
		return invoke[[]any](c, "list", []any{int32(n), "two", 3.5, nil, true, []any{int64(1) << 40, "x"}})
	case 6:
		return invoke[map[any]any](c, "map", map[any]any{"n": int32(n), "nothing": nil, "nested": map[any]any{"k": "v"}})
	case 7:
		size := 1000 + n
		if n%180 == 7 {
			size = 1 << 20
		}
		return invoke[[]byte](c, "bytes", make([]byte, size))
	case 8:
		return invoke[int64](c, "add", int32(n), int64(1)<<40)
	case 9:
		return invoke[any](c, "nothing", text)
	case 10:
		return invoke[any](c, "noResult", text)
	case 11:
		return invoke[string](c, "declared", text)
	case 12:
		return invoke[string](c, "undeclared", text)
	case 13:
		return invoke[string](c, "illegal", text)
	case 14:
		return c.async("async", text)
	case 15:
		return c.oneway("oneway", text)
	case 16:
		return c.generic("echo", []string{"java.lang.String"}, []hessian.Object{text})
	default:
		return c.attachments(text, map[string]any{"lane": fmt.Sprint("lane-", n), "tenant": "blue", "unicode": "grüße 😀"})
	}
}

func person(n int) *Person {
	p := &Person{Name: fmt.Sprint("person ", n), Age: int32(n), Weight: float64(n) / 3}
	p.Friend = p
	child := &Person{Name: "child", Friend: p}
	p.Children = []*Person{child, child}
	return p
}

// describe tells what a call gave: its result, or its error by class and text, where an
// exception is the error.
func describe(result any, err error) string {
	if exception, ok := errors.AsType[java_exception.Throwabler](err); ok {
		return exception.JavaClassName() + ": " + exception.Error()
	}
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
