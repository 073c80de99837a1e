package sdk

import (
	"bytes"
	"encoding/json"
)

// OrderedMap is a map that keeps the order of the wire and allows any key, for
// views of messages.
type OrderedMap []MapEntry

// MapEntry is an entry of an OrderedMap.
type MapEntry struct {
	Key, Value any
}

// MarshalJSON writes a JSON object in order. A key that is not a string is
// written as the text of its JSON.
func (m OrderedMap) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, e := range m {
		if i > 0 {
			b.WriteByte(',')
		}
		key, ok := e.Key.(string)
		if !ok {
			text, err := json.Marshal(e.Key)
			if err != nil {
				return nil, err
			}
			key = string(text)
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(e.Value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
