package program

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// caller makes calls from some threads at a time, each with a client of its own.
type caller struct {
	threads int
	dial    func() (Client, error)
}

// pause is how long a client is idle. Nobody's idle timeout is shorter.
const pause = 5 * time.Second

// run makes the calls that what names, and prints their results.
func (c *caller) run(what string, args []string) error {
	switch what {
	case "load":
		seconds, err := argument(args)
		if err != nil {
			return err
		}
		return c.load(time.Duration(seconds) * time.Second)
	case "executions", "idle", "sleep", "lane", "errors":
		client, err := c.dial()
		if err != nil {
			return err
		}
		defer client.Close()
		return one(client, what, args)
	default:
		calls, err := number(what)
		if err != nil {
			return err
		}
		return c.mixed(calls)
	}
}

func argument(args []string) (int, error) {
	if len(args) != 1 {
		return 0, ErrUsage
	}
	return number(args[0])
}

// one does what takes one client.
func one(client Client, what string, args []string) error {
	switch what {
	case "executions":
		printResult(client.Executions())
	case "idle":
		printResult(client.Echo("before"))
		time.Sleep(pause)
		printResult(client.Echo("after"))
	case "sleep":
		millis, err := argument(args)
		if err != nil {
			return err
		}
		printResult(client.Sleep(int32(millis)))
	case "lane":
		if len(args) != 1 {
			return ErrUsage
		}
		printResult(client.Lane(args[0]))
	case "errors":
		for _, name := range args {
			printResult(failing(client, name))
		}
	}
	return nil
}

// each runs a function in each of the threads, with a client of its own.
func (c *caller) each(f func(thread int, client Client)) error {
	errs := make([]error, c.threads)
	var all sync.WaitGroup
	for thread := range c.threads {
		all.Go(func() {
			client, err := c.dial()
			if err != nil {
				errs[thread] = err
				return
			}
			defer client.Close()
			f(thread, client)
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// mixed makes the mixed calls and prints their results in order.
func (c *caller) mixed(calls int) error {
	lines := make([]string, calls)
	var next atomic.Int64
	err := c.each(func(_ int, client Client) {
		for n := int(next.Add(1)) - 1; n < calls; n = int(next.Add(1)) - 1 {
			lines[n] = client.Mixed(n)
		}
	})
	for n, line := range lines {
		printResult(fmt.Sprint(n, " ", line))
	}
	return err
}

// load calls without a pause and prints how it went.
func (c *caller) load(duration time.Duration) error {
	end := time.Now().Add(duration)
	var good atomic.Int64
	var mu sync.Mutex
	var failures []string
	err := c.each(func(thread int, client Client) {
		for n := 0; time.Now().Before(end); n++ {
			text := fmt.Sprintf("load %d/%d", thread, n)
			if got := client.Echo(text); got == text {
				good.Add(1)
			} else {
				mu.Lock()
				failures = append(failures, got)
				mu.Unlock()
			}
		}
	})
	printResult(fmt.Sprint("good ", good.Load(), " failed ", len(failures)))
	for _, failure := range failures {
		printResult(failure)
	}
	return err
}

// failing makes a call that something between client and server is to answer, and
// tells what arrives, its parts between tabs.
func failing(client Client, name string) string {
	start := time.Now()
	result, err := client.Failing(name, Text(name))
	if err == nil {
		return strings.Join([]string{name, "none", "", "", result}, "\t")
	}
	class, number, text := client.Classify(err)
	return strings.Join([]string{name, class, number, strconv.FormatInt(time.Since(start).Milliseconds(), 10), text}, "\t")
}
