package mesh

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// toJSON is n as compact JSON, keys in the order of n.
func toJSON(n *yaml.Node) ([]byte, error) {
	return appendJSON(nil, n)
}

func appendJSON(b []byte, n *yaml.Node) (_ []byte, err error) {
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendString(b, n.Content[i].Value); err != nil {
				return nil, err
			}
			if b, err = appendJSON(append(b, ':'), n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	default:
		return appendScalar(b, n)
	}
}

func appendScalar(b []byte, n *yaml.Node) ([]byte, error) {
	switch n.Tag {
	case nullTag:
		return append(b, "null"...), nil
	case boolTag:
		var v bool
		err := n.Decode(&v)
		return strconv.AppendBool(b, v), err
	case intTag:
		var v int64
		if n.Decode(&v) == nil {
			return strconv.AppendInt(b, v, 10), nil
		}
		var u uint64
		if err := n.Decode(&u); err != nil {
			return nil, fmt.Errorf("%q is too large a number", n.Value)
		}
		return strconv.AppendUint(b, u, 10), nil
	case floatTag:
		var v float64
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, fmt.Errorf("%q is not a number that JSON has", n.Value)
		}
		return strconv.AppendFloat(b, v, 'g', -1, 64), nil
	default:
		return appendString(b, n.Value)
	}
}

// appendString appends s as a JSON string, with <, > and & as they are.
func appendString(b []byte, s string) ([]byte, error) {
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...), nil
}
