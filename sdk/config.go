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
