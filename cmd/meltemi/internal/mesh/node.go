package mesh

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Tags of scalars, as the YAML parser resolves them.
const (
	nullTag   = "!!null"
	boolTag   = "!!bool"
	intTag    = "!!int"
	floatTag  = "!!float"
	stringTag = "!!str"
)

// get is the value of key in the mapping n, nil if it has none.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// dig follows keys from n, nil where one is missing.
func dig(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		n = get(n, key)
	}
	return n
}

// text is the value of a scalar, empty for anything else.
func text(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// items are the elements of a sequence, none for anything else.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// isNull tells whether n is absent in the eyes of Envoy.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == nullTag
}

// isString tells whether n is a scalar that YAML reads as text.
func isString(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == stringTag
}

// kindOf names what n is, for error texts.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			return "an empty list"
		}
		return "a list"
	case yaml.ScalarNode:
		if n.Tag == nullTag {
			return "nothing"
		}
		return fmt.Sprintf("%q", n.Value)
	default:
		return "no value"
	}
}

// join is the path of a field below path.
func join(path, field string) string {
	if strings.ContainsAny(field, ".[]@/ ") {
		return path + "[" + field + "]"
	}
	if path == "" {
		return field
	}
	return path + "." + field
}

// index is the path of an element of the list at path.
func index(path string, i int) string {
	return fmt.Sprintf("%s[%d]", path, i)
}
