package chaos

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// Key is the entry of the metadata that holds the number of the call, in hexadecimal.
const Key = "soak-call"

// Name is the filter's.
const Name = "chaos"

// Definition returns the filter.
func Definition() filter.Definition {
	return filter.Definition{
		Name:    Name,
		Summary: "does to each call what its plan says",
		Schema: `{"type":"object","additionalProperties":false,"required":["seed","place"],"properties":{
			"seed":{"type":"string"},"place":{"enum":["first","reader","last"]},"leak":{"type":"integer","minimum":0}}}`,
		Needs: []filter.Capability{filter.WaitCalls, filter.CallHTTP, filter.ReadPayload},
		New:   newChaos,
	}
}

// chaos is what New makes.
type chaos struct {
	// Seed is a decimal number of 64 bits.
	Seed string `json:"seed"`
	// Place is where the filter stands.
	Place string `json:"place"`
	// Leak makes every Leak-th call leave a goroutine and two mebibytes behind, so that a test
	// can see that this is found. 0: none.
	Leak uint64 `json:"leak"`

	seed  uint64
	place Place
	host  filter.Host
	open  filter.Gauge
	acts  filter.Counter

	calls  atomic.Uint64
	leakMu sync.Mutex
	leaked [][]byte
}

func newChaos(config []byte, h filter.Host) (filter.Filter, error) {
	f := &chaos{host: h}
	if err := sdk.ParseConfig(config, f); err != nil {
		return nil, err
	}
	var err error
	if f.seed, err = strconv.ParseUint(f.Seed, 10, 64); err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	at := slices.Index(placeNames[:], f.Place)
	if at < 0 {
		return nil, fmt.Errorf("place: %q is not one of %q", f.Place, placeNames)
	}
	f.place = Place(at)
	f.open = h.Gauge("open")
	f.acts = h.Counter("acts_total", "place", "hook", "action")
	return f, nil
}

// Payload implements filter.PayloadReader.
func (f *chaos) Payload() (request, response bool) { return f.place == Reader, f.place == Reader }

// Begin implements filter.Filter.
func (f *chaos) Begin(c filter.Call) filter.Handler {
	text, ok := c.Metadata().Get(Key)
	id, err := strconv.ParseUint(text, 16, 64)
	if !ok || err != nil {
		return nil
	}
	f.leak()
	h := &handler{chaos: f, plan: New(f.seed, id)}
	if h.plan.BeginPanics[f.place] {
		f.acts.Add(c, 1, f.Place, "begin", Panic.String())
		panic("in Begin, as planned")
	}
	f.open.Add(c, 1)
	return h
}

func (f *chaos) leak() {
	if f.Leak == 0 || f.calls.Add(1)%f.Leak != 0 {
		return
	}
	go func() { select {} }()
	b := make([]byte, 2<<20)
	for i := range b {
		b[i] = 1
	}
	f.leakMu.Lock()
	defer f.leakMu.Unlock()
	f.leaked = append(f.leaked, b)
}
