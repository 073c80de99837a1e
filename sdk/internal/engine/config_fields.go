package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// duration is a time.Duration in Go's notation, such as "5ms".
type duration time.Duration

// UnmarshalJSON parses a string such as "5ms".
func (d *duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("%s is not a duration such as \"5ms\"", b)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"5ms\"", text)
	}
	*d = duration(v)
	return nil
}

// problems collects what is wrong with a configuration.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func durationOr(p *problems, field string, d *duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	if *d < 0 {
		p.add("%s: %v is negative", field, time.Duration(*d))
	}
	return time.Duration(*d)
}

func intOr(p *problems, field string, n *int, otherwise, most int) int {
	if n == nil {
		return otherwise
	}
	if *n < 1 || *n > most {
		p.add("%s: %d is not between 1 and %d", field, *n, most)
	}
	return *n
}

func choice(p *problems, field, value string, options ...string) string {
	if value == "" {
		return options[0]
	}
	if !slices.Contains(options, value) {
		p.add("%s: %q is not one of %s", field, value, strings.Join(options, ", "))
	}
	return value
}
