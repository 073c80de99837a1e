package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ParseConfig parses a codec's or a filter's configuration into the struct that
// into points to, strictly: an unknown field and anything behind the object are
// errors. No configuration (nil, empty or null) leaves into as it is, so set the
// defaults before.
func ParseConfig(config []byte, into any) error {
	if len(bytes.TrimSpace(config)) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(config))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("configuration: something follows the JSON object")
	}
	return nil
}

// SetCode sets code to the one that a field of a codec's configuration names, as
// Code.String writes it; an empty name leaves it. The error names the field.
func SetCode(code *Code, field, name string) error {
	if name == "" {
		return nil
	}
	c, ok := ParseCode(name)
	if !ok {
		return fmt.Errorf("%s: %q is not a gRPC code such as FAILED_PRECONDITION", field, name)
	}
	*code = c
	return nil
}
