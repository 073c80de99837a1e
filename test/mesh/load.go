package mesh

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
)

// Load has `meltemi call` make calls from the pod without a pause, until stop, which
// returns what became of all. Connections are new after so many calls: a client goes on to
// the end of those that it has begun.
func (p *Pod) Load(each int, codec, address, method string, flags ...string) (stop func() Calls) {
	args := append(calling(codec, address, method, flags...), "-n", strconv.Itoa(each))
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
