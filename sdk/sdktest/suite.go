package sdktest

import (
	"fmt"
	"maps"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Suite is what is checked.
type Suite struct {
	// Codec is the codec, as it would be shared by all connections.
	Codec sdk.Codec `json:"-"`

	// Frames are messages of other implementations of the protocol.
	Frames []Frame

	// NoAllocations makes an allocation in Decode and Metadata a failure. Without it
	// the report tells how many there are.
	NoAllocations bool

	// Only are the names of the checks to make; empty: all of them.
	Only []string

	// Random is for how long random damage is tried beside the systematic one, which
	// Seed makes repeatable. In tests, prefer [Fuzz], which learns from coverage.
	Random time.Duration
	Seed   uint64
}

// Frame is one message, and what a codec must read in it. Expectations that are zero are
// not checked.
type Frame struct {
	Name  string
	From  sdk.Side
	Bytes []byte

	// Connection names the connections that may carry the frame: those with the same
	// name are sent one behind another. Where it is empty all others may follow; but
	// a codec with connection state (sdk.PerConnection) sees only the frame itself
	// again, since such a state may refuse another dialect.
	Connection string

	// Generic calls name their method among the arguments, which change with it.
	Generic bool

	Kind    sdk.Kind
	Service string
	Method  string
	Timeout time.Duration
	Code    sdk.Code          // of a response
	Native  int               // of a response
	Entries map[string]string // these at least

	// Refused is the cause with which Decode or Metadata refuses the frame; zero for
	// one that is read.
	Refused sdk.Cause
}

// expect compares what was read with what the frame says.
func (f *Frame) expect(r *reading) error {
	if f.Kind != sdk.KindUnknown && r.kind != f.Kind {
		return fmt.Errorf("is read as %v, not as %v", r.kind, f.Kind)
	}
	if f.Service != "" && r.service != f.Service {
		return fmt.Errorf("service %q, want %q", r.service, f.Service)
	}
	if f.Method != "" && r.method != f.Method {
		return fmt.Errorf("method %q, want %q", r.method, f.Method)
	}
	if f.Timeout != 0 && r.timeout != f.Timeout {
		return fmt.Errorf("timeout %v, want %v", r.timeout, f.Timeout)
	}
	if f.Code != sdk.OK && r.code != f.Code {
		return fmt.Errorf("status %v, want %v", r.code, f.Code)
	}
	if f.Native != 0 && r.native != f.Native {
		return fmt.Errorf("native status %d, want %d", r.native, f.Native)
	}
	for key, want := range f.Entries {
		if got, ok := r.entries[key]; !ok || got != want {
			return fmt.Errorf("entry %q is %q, want %q", key, got, want)
		}
	}
	return nil
}

// reading is what a codec read of a message, in memory of its own.
type reading struct {
	kind            sdk.Kind
	id              uint64
	service, method string
	timeout         time.Duration
	code            sdk.Code
	native          int
	message         string
	entries         map[string]string
}

func readingOf(m *sdk.Message) *reading {
	r := &reading{
		kind: m.Kind, id: m.ID, service: string(m.Service), method: string(m.Method), timeout: m.Timeout,
		code: m.Status.Code, native: m.Status.Native, message: string(m.Status.Message), entries: map[string]string{},
	}
	for _, e := range m.Entries() {
		r.entries[string(e.Key)] = string(e.Value)
	}
	return r
}

func (r *reading) clone() *reading {
	c := *r
	c.entries = maps.Clone(r.entries)
	return &c
}

// differs tells the first difference, and nil where there is none.
func (r *reading) differs(want *reading) error {
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"kind", r.kind, want.kind},
		{"id", r.id, want.id},
		{"service", r.service, want.service},
		{"method", r.method, want.method},
		{"timeout", r.timeout, want.timeout},
		{"status", r.code, want.code},
		{"native status", r.native, want.native},
		{"status message", r.message, want.message},
	} {
		if f.got != f.want {
			return fmt.Errorf("%s is %s, want %s", f.name, short(f.got), short(f.want))
		}
	}
	for key, v := range want.entries {
		if got, ok := r.entries[key]; !ok {
			return fmt.Errorf("entry %s is gone", short(key))
		} else if got != v {
			return fmt.Errorf("entry %s is %s, want %s", short(key), short(got), short(v))
		}
	}
	for key := range r.entries {
		if _, ok := want.entries[key]; !ok {
			return fmt.Errorf("entry %s was added", short(key))
		}
	}
	return nil
}

// short prints a value, cut to what a line holds.
func short(v any) string {
	s, ok := v.(string)
	if !ok {
		return fmt.Sprint(v)
	}
	const most = 60
	if len(s) > most {
		return fmt.Sprintf("%q... (%d bytes)", s[:most], len(s))
	}
	return fmt.Sprintf("%q", s)
}
