package mesh

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Call is a call of `meltemi call` and its answer.
type Call struct {
	OK     bool   `json:"ok"`
	Status Status `json:"status"`
	Error  string `json:"error"` // without an answer
	Millis float64
	// What the server, one of `meltemi serve`, saw.
	Server   string
	Service  string
	Method   string
	Metadata map[string]string
	Text     string // the result, or all that the program printed
}

// Status is the status of an answer: its name among gRPC's, and the protocol's own number.
type Status struct {
	Code   string `json:"code"`
	Native int    `json:"native"`
	Reason string `json:"reason"`
}

// calling is the command for calls. They may take long on a busy machine, if the flags do
// not say otherwise.
func calling(codec, address, method string, flags ...string) []string {
	return append([]string{Built("meltemi"), "call", codec, address, method, "-o", "json", "--timeout", "30s"}, flags...)
}

// Call makes a call with `meltemi call` from the pod. Flags are those of the program, such
// as "--set", "tenant=blue".
func (p *Pod) Call(codec, address, method string, flags ...string) Call {
	p.t().Helper()
	out, problems, _ := p.Output(calling(codec, address, method, flags...)...)
	var c struct {
		Call
		Latency float64         `json:"latency_ms"`
		Result  json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		p.t().Fatalf("meltemi call: %v: %s%s", err, out, problems)
	}
	c.Millis, c.Call.Text = c.Latency, out
	result := c.Result
	if text := ""; json.Unmarshal(result, &text) == nil && text != "" {
		c.Call.Text, result = text, json.RawMessage(text) // protocols without types of their own answer with JSON as text
	}
	var seen struct {
		Server   string            `json:"server"`
		Service  string            `json:"service"`
		Method   string            `json:"method"`
		Metadata map[string]string `json:"metadata"`
	}
	if json.Unmarshal(result, &seen) == nil && seen.Server != "" {
		c.Server, c.Call.Service, c.Call.Method, c.Metadata = seen.Server, seen.Service, seen.Method, seen.Metadata
	}
	return c.Call
}

// Await makes calls as Call does until one is answered well, and returns that one.
func (p *Pod) Await(codec, address, method string, flags ...string) Call {
	p.t().Helper()
	var c Call
	p.Namespace.Eventually(func() string {
		if c = p.Call(codec, address, method, flags...); !c.OK {
			return fmt.Sprintf("%s from %s: %s", method, p.Name, c.Text)
		}
		return ""
	})
	return c
}

// Calls is the summary of many calls.
type Calls struct {
	Calls   int            `json:"calls"`
	OK      int            `json:"ok"`
	Failed  int            `json:"failed"`
	Servers map[string]int `json:"servers"` // which answered how often
	Errors  map[string]int `json:"errors"`
}

// Calls makes n calls with `meltemi call` from the pod, one after the other on one
// connection if the flags do not say otherwise.
func (p *Pod) Calls(n int, codec, address, method string, flags ...string) Calls {
	p.t().Helper()
	out, problems, _ := p.Output(append(calling(codec, address, method, flags...), "-n", strconv.Itoa(max(n, 2)))...)
	var c Calls
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		p.t().Fatalf("meltemi call: %v: %s%s", err, out, problems)
	}
	return c
}

// Seen is how often the pod's program, a `meltemi serve`, saw calls of a method, such as
// Orders/get, whose lines have all of some texts.
func (p *Pod) Seen(method string, texts ...string) int {
	seen := 0
lines:
	for line := range strings.Lines(p.App.Output()) {
		if !strings.Contains(line, " "+method+" ") {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue lines
			}
		}
		seen++
	}
	return seen
}
