package mesh

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
)

// loadBatch is how many calls each run of the program makes for a Load: then its
// connections are closed, and the next has new ones.
const loadBatch = "400"

// Load has `meltemi call` make calls from the pod without a pause, until stop, which
// returns what became of all.
func (p *Pod) Load(codec, address, method string, flags ...string) (stop func() Calls) {
	args := append([]string{Built("meltemi"), "call", codec, address, method, "-o", "json", "-n", loadBatch}, flags...)
	var enough atomic.Bool
	result := make(chan Calls)
	go func() {
		all := Calls{Servers: map[string]int{}, Errors: map[string]int{}}
		for !enough.Load() {
			out, problems, _ := p.Output(args...)
			var batch Calls
			if err := json.Unmarshal([]byte(out), &batch); err != nil {
				batch = Calls{Calls: 1, Failed: 1, Errors: map[string]int{fmt.Sprintf("meltemi call: %v: %s%s", err, out, problems): 1}}
			}
			all.add(&batch)
		}
		result <- all
	}()
	return func() Calls {
		enough.Store(true)
		return <-result
	}
}

func (c *Calls) add(more *Calls) {
	c.Calls += more.Calls
	c.OK += more.OK
	c.Failed += more.Failed
	for name, n := range more.Servers {
		c.Servers[name] += n
	}
	for what, n := range more.Errors {
		c.Errors[what] += n
	}
}
