package mesh

import (
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// schema compares trees with the messages of Envoy's API and notes all that does
// not fit, where protojson would stop at the first. What it lets pass, protojson
// reads. It also tidies the tree: keys get the names of the API (route_config for
// routeConfig) and entries without a value, which mean nothing to Envoy, go.
type schema struct {
	problems *problems
	// visit, if set, is told of each message of the tree, the outer before the inner.
	visit func(path string, n *yaml.Node, md protoreflect.MessageDescriptor)
	// found are the typed messages inside Any fields: their own rules must be asked
	// apart, because the rules of the message around do not look into an Any.
	found []typed
}

// typed is a tree that fits the message type of prototype.
type typed struct {
	path      string
	node      *yaml.Node
	prototype proto.Message
}

// message checks that n fits md.
func (s *schema) message(path string, n *yaml.Node, md protoreflect.MessageDescriptor) {
	if n.Kind != yaml.MappingNode {
		s.problems.add(path, n.Line, "want %s, got %s", article(string(md.Name())), kindOf(n))
		return
	}
	if s.visit != nil {
		s.visit(path, n, md)
	}
	s.fields(path, n, md, "")
}

// fields checks the entries of n, a mapping, against the fields of md. An entry of
// the name skip is not a field.
func (s *schema) fields(path string, n *yaml.Node, md protoreflect.MessageDescriptor, skip string) {
	dropNulls(n, md)
	chosen := map[protoreflect.Name]string{} // by oneof: the field that was given first
	given := map[protoreflect.Name]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == skip {
			continue
		}
		fd := fieldOf(md, key.Value)
		if fd == nil {
			s.problems.add(path, key.Line, "unknown field %q%s", key.Value, suggestion(key.Value, fieldNames(md)))
			continue
		}
		key.Value = string(fd.Name())
		at := join(path, key.Value)
		if given[fd.Name()] {
			s.problems.add(at, key.Line, "given twice")
			continue
		}
		given[fd.Name()] = true
		if group := fd.ContainingOneof(); group != nil && !group.IsSynthetic() {
			if first, ok := chosen[group.Name()]; ok {
				s.problems.add(at, key.Line, "cannot go together with %s", first)
			}
			chosen[group.Name()] = key.Value
		}
		s.field(at, value, fd)
	}
}

// field checks the value of a field: one, a list or a map.
func (s *schema) field(path string, n *yaml.Node, fd protoreflect.FieldDescriptor) {
	switch {
	case fd.IsMap():
		if n.Kind != yaml.MappingNode {
			s.problems.add(path, n.Line, "want a mapping, got %s", kindOf(n))
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			s.value(join(path, n.Content[i].Value), n.Content[i+1], fd.MapValue())
		}
	case fd.IsList():
		if n.Kind != yaml.SequenceNode {
			s.problems.add(path, n.Line, "want a list, got %s", kindOf(n))
			return
		}
		for i, item := range n.Content {
			s.value(index(path, i), item, fd)
		}
	default:
		s.value(path, n, fd)
	}
}

// value checks one value of a field, or of an element of it.
func (s *schema) value(path string, n *yaml.Node, fd protoreflect.FieldDescriptor) {
	switch md := fd.Message(); {
	case md == nil:
		s.scalar(path, n, fd)
	case md.FullName() == "google.protobuf.Any":
		s.any(path, n)
	case isWellKnown(md):
		s.wellKnown(path, n, md)
	default:
		s.message(path, n, md)
	}
}

// fieldOf is the field of md that JSON calls name, in either spelling.
func fieldOf(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByName(protoreflect.Name(name)); fd != nil {
		return fd
	}
	return md.Fields().ByJSONName(name)
}

// dropNulls takes out the entries without a value, except where a null is one.
func dropNulls(n *yaml.Node, md protoreflect.MessageDescriptor) {
	kept := n.Content[:0]
	for i := 0; i+1 < len(n.Content); i += 2 {
		fd := fieldOf(md, n.Content[i].Value)
		if isNull(n.Content[i+1]) && fd != nil && (fd.Message() == nil || fd.Message().FullName() != "google.protobuf.Value") {
			continue
		}
		kept = append(kept, n.Content[i], n.Content[i+1])
	}
	n.Content = kept
}

// fieldNames are the names of the fields of md.
func fieldNames(md protoreflect.MessageDescriptor) []string {
	names := make([]string, md.Fields().Len())
	for i := range names {
		names[i] = string(md.Fields().Get(i).Name())
	}
	return names
}
