package jsontext

import (
	"bytes"
	"encoding/json"
)

// AppendText appends a string.
func AppendText(dst []byte, s string) []byte {
	dst, _ = AppendValue(dst, s) // a string is always written
	return dst
}

// AppendValue appends a value as encoding/json has it, on one line.
func AppendValue(dst []byte, v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return dst, err
	}
	return append(dst, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...), nil
}
