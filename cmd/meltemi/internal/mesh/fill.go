package mesh

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// mark is the comment of each value that was filled in.
const mark = "# meltemi"

// filledString, filledInt and filledBool are values that the file does not have.
func filledString(s string) *yaml.Node { return filledScalar(stringTag, s) }
func filledInt(i int) *yaml.Node       { return filledScalar(intTag, strconv.Itoa(i)) }
func filledBool(b bool) *yaml.Node     { return filledScalar(boolTag, strconv.FormatBool(b)) }

func filledScalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value, LineComment: mark}
}

// entry is one key of a mapping with its value.
type entry struct {
	key   string
	value *yaml.Node
}

// mapping is a mapping of entries, without those that have no value.
func mapping(entries ...entry) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, e := range entries {
		if e.value != nil {
			put(n, e.key, e.value)
		}
	}
	return n
}

// list is a list of items.
func list(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// put adds an entry to the mapping n, behind what it has.
func put(n *yaml.Node, key string, value *yaml.Node) {
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: stringTag, Value: key}, value)
}

// fill adds an entry to the mapping n unless it has one of that name: what the
// user says goes first.
func fill(n *yaml.Node, key string, value *yaml.Node) {
	if get(n, key) == nil {
		put(n, key, value)
	}
}

// set gives the entry of the mapping n with that key another value.
func set(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = value
			return
		}
	}
	put(n, key, value)
}

// clone is a copy of a node with all below it.
func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, child := range n.Content {
		c.Content = append(c.Content, clone(child))
	}
	return &c
}

// sub is the mapping under key in n, added empty if n has none.
func sub(n *yaml.Node, key string) *yaml.Node {
	if have := get(n, key); have != nil {
		return have
	}
	made := mapping()
	put(n, key, made)
	return made
}

// extension is an entry of a typed extension that was filled in: its name and its
// typed_config of type typeName with the given fields.
func extension(name, typeName string, fields ...entry) *yaml.Node {
	return mapping(
		entry{"name", filledString(name)},
		entry{"typed_config", typedConfig(typeName, fields...)},
	)
}

// typedConfig is an Any that was filled in.
func typedConfig(typeName string, fields ...entry) *yaml.Node {
	config := mapping(entry{"@type", filledString(typeURL(typeName))})
	for _, f := range fields {
		if f.value != nil {
			put(config, f.key, f.value)
		}
	}
	return config
}

// typeURL is the @type of a message type.
func typeURL(typeName string) string { return "type.googleapis.com/" + typeName }

// shallow is a copy of the mapping n to which entries can be added; it shares the
// values.
func shallow(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = append([]*yaml.Node(nil), n.Content...)
	return &out
}
