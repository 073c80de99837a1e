package breaker

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// settings are how circuits behave, in the JSON form of rules and routes. They can be
// compared, since circuits are found by them too.
type settings struct {
	Window         filter.Duration `json:"window"`
	MinCalls       int             `json:"min_calls"`
	FailurePercent int             `json:"failure_percent"` // 0: calls are not judged
	Failures       codes           `json:"failures"`
	MinTimeout     filter.Duration `json:"min_timeout"`
	OpenTime       filter.Duration `json:"open_time"`
	Probes         int             `json:"probes"`
	Successes      int             `json:"successes"`
	MaxConcurrent  int             `json:"max_concurrent"` // 0: any number
}

// defaults are those of rules and of routes.
func defaults() settings {
	return settings{
		Window: filter.Duration(10 * time.Second), MinCalls: 20, FailurePercent: 50,
		Failures:   codesOf(sdk.Unknown, sdk.DeadlineExceeded, sdk.Internal, sdk.Unavailable, sdk.DataLoss),
		MinTimeout: filter.Duration(10 * time.Millisecond),
		OpenTime:   filter.Duration(5 * time.Second), Probes: 1, Successes: 3,
	}
}

// settingsSchema are the properties of settings.
const settingsSchema = `
    "window": {"type": "string", "default": "10s", "description": "how long calls count, 100ms to 1h"},
    "min_calls": {"type": "integer", "minimum": 1, "maximum": 1000000, "default": 20,
      "description": "how many calls there must be in the window before any share of failures counts"},
    "failure_percent": {"type": "integer", "minimum": 0, "maximum": 100, "default": 50,
      "description": "the share of failures that opens the circuit; 0: nothing does"},
    "failures": {"type": "array", "items": {"type": "string"},
      "default": ["UNKNOWN", "DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
      "description": "the gRPC codes of calls that have failed"},
    "min_timeout": {"type": "string", "default": "10ms",
      "description": "a caller that waits less does not count when its time is over, up to 1h"},
    "open_time": {"type": "string", "default": "5s", "description": "how long the circuit stays open, 100ms to 1h"},
    "probes": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 1,
      "description": "how many calls at a time may pass a circuit that is half open"},
    "successes": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 3,
      "description": "how many of them must succeed to close it"},
    "max_concurrent": {"type": "integer", "minimum": 0, "maximum": 1000000, "default": 0,
      "description": "how many calls of a method may be under way at once; 0: any number"}`

// The bounds of the schema.
const (
	minTime, maxTime = filter.Duration(100 * time.Millisecond), filter.Duration(time.Hour)
	maxCount         = 1_000_000
	maxProbes        = 1000
)

func (s *settings) check() error {
	return errors.Join(
		between("window", s.Window, minTime, maxTime),
		between("min_calls", s.MinCalls, 1, maxCount),
		between("failure_percent", s.FailurePercent, 0, 100),
		between("min_timeout", s.MinTimeout, 0, maxTime),
		between("open_time", s.OpenTime, minTime, maxTime),
		between("probes", s.Probes, 1, maxProbes),
		between("successes", s.Successes, 1, maxProbes),
		between("max_concurrent", s.MaxConcurrent, 0, maxCount),
	)
}

// idle tells that there is nothing that circuits could refuse.
func (s *settings) idle() bool { return s.FailurePercent == 0 && s.MaxConcurrent == 0 }

func between[T int | filter.Duration](field string, value, least, most T) error {
	if value < least || value > most {
		return fmt.Errorf("%s: %v is not between %v and %v", field, value, least, most)
	}
	return nil
}

// codes is a set of gRPC codes.
type codes uint32

func codesOf(list ...sdk.Code) (set codes) {
	for _, c := range list {
		set |= 1 << c
	}
	return set
}

func (set codes) has(c sdk.Code) bool { return set&(1<<c) != 0 }

// UnmarshalJSON implements json.Unmarshaler: codes are written as a list of their names.
func (set *codes) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return fmt.Errorf("failures: %w", err)
	}
	*set = 0
	for i, name := range names {
		c, ok := sdk.ParseCode(name)
		if !ok || c == sdk.OK {
			return fmt.Errorf("failures[%d]: %q is not the gRPC code of a failure such as UNAVAILABLE", i, name)
		}
		*set |= codesOf(c)
	}
	return nil
}
