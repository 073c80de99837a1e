package filter

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a time in a filter's configuration, such as how long something lasts. In
// JSON it is text as time.ParseDuration reads it, "5s" or "1m30s", and never negative.
type Duration time.Duration

// String returns it as time.Duration does.
func (d Duration) String() string { return time.Duration(d).String() }

// UnmarshalJSON implements json.Unmarshaler.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("%s is not a duration such as \"5s\"", b)
	}
	parsed, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a duration such as \"5s\"", text)
	case parsed < 0:
		return fmt.Errorf("%q is negative", text)
	}
	*d = Duration(parsed)
	return nil
}
