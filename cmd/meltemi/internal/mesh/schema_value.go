package mesh

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// scalar checks a value that is no message. What protojson reads is right.
func (s *schema) scalar(path string, n *yaml.Node, fd protoreflect.FieldDescriptor) {
	if n.Kind == yaml.ScalarNode && readable(n, fd) {
		return
	}
	s.problems.add(path, n.Line, "want %s, got %s", scalarName(n, fd), kindOf(n))
}

// readable asks protojson whether n is a value of fd, by reading a message that
// holds nothing else.
func readable(n *yaml.Node, fd protoreflect.FieldDescriptor) bool {
	value, err := toJSON(n)
	if err != nil {
		return false
	}
	object := fmt.Sprintf(`{%q:%s}`, fd.Name(), value)
	if fd.IsList() {
		object = fmt.Sprintf(`{%q:[%s]}`, fd.Name(), value)
	}
	return protojson.Unmarshal([]byte(object), dynamicpb.NewMessage(fd.ContainingMessage())) == nil
}

// scalarName says what values fd takes.
func scalarName(n *yaml.Node, fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.EnumKind:
		return enumName(n, fd.Enum())
	case protoreflect.StringKind:
		if n.Kind == yaml.ScalarNode {
			return "a string (put it in quotes)"
		}
		return "a string"
	case protoreflect.BytesKind:
		return "bytes in base64"
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return "a number"
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return "a whole number, not negative (" + fd.Kind().String() + ")"
	default:
		return "a whole number (" + fd.Kind().String() + ")"
	}
}

func enumName(n *yaml.Node, enum protoreflect.EnumDescriptor) string {
	names := make([]string, enum.Values().Len())
	for i := range names {
		names[i] = string(enum.Values().Get(i).Name())
	}
	const most = 12
	if len(names) > most {
		return article(string(enum.Name())) + suggestion(text(n), names)
	}
	return "one of " + strings.Join(names, ", ")
}

// isWellKnown tells whether JSON has a form of its own for messages of md.
func isWellKnown(md protoreflect.MessageDescriptor) bool {
	return md.ParentFile().Package() == "google.protobuf" && wellKnownName(md) != ""
}

// wellKnownName says what values a message type with a JSON form of its own takes.
func wellKnownName(md protoreflect.MessageDescriptor) string {
	switch md.Name() {
	case "Duration":
		return "a duration in seconds, such as 1.5s"
	case "Timestamp":
		return "a time, such as 2026-01-02T15:04:05Z"
	case "FieldMask":
		return "field names with commas between"
	case "Struct":
		return "a mapping"
	case "ListValue":
		return "a list"
	case "Value":
		return "any value"
	case "BoolValue":
		return "true or false"
	case "StringValue":
		return "a string"
	case "BytesValue":
		return "bytes in base64"
	case "UInt32Value", "UInt64Value":
		return "a whole number, not negative"
	case "Int32Value", "Int64Value":
		return "a whole number"
	case "FloatValue", "DoubleValue":
		return "a number"
	default:
		return ""
	}
}

// wellKnown checks a message that has a JSON form of its own.
func (s *schema) wellKnown(path string, n *yaml.Node, md protoreflect.MessageDescriptor) {
	value, err := toJSON(n)
	if err == nil {
		err = protojson.Unmarshal(value, dynamicpb.NewMessage(md))
	}
	if err != nil {
		s.problems.add(path, n.Line, "want %s, got %s", wellKnownName(md), kindOf(n))
	}
}

// any checks a message of a type that it names itself, under "@type".
func (s *schema) any(path string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		s.problems.add(path, n.Line, `want a mapping with "@type", got %s`, kindOf(n))
		return
	}
	url := get(n, "@type")
	if url == nil || !isString(url) {
		s.problems.add(path, n.Line, `needs "@type", such as type.googleapis.com/envoy.extensions.filters.http.router.v3.Router`)
		return
	}
	mt, err := protoregistry.GlobalTypes.FindMessageByURL(url.Value)
	if err != nil || !strings.Contains(url.Value, "/") {
		s.problems.add(join(path, "@type"), url.Line, "Envoy's API has no type %q", url.Value)
		return
	}
	md := mt.Descriptor()
	if isWellKnown(md) {
		s.wellKnownAny(path, n, md)
		return
	}
	if s.visit != nil {
		s.visit(path, n, md)
	}
	s.fields(path, n, md, "@type")
	s.found = append(s.found, typed{path: path, node: n, prototype: mt.New().Interface()})
}

// wellKnownAny checks the form that an Any of a well-known type has: its value is
// under "value".
func (s *schema) wellKnownAny(path string, n *yaml.Node, md protoreflect.MessageDescriptor) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch key := n.Content[i]; key.Value {
		case "@type":
		case "value":
			s.wellKnown(join(path, "value"), n.Content[i+1], md)
		default:
			s.problems.add(path, key.Line, "unknown field %q; %s has only value", key.Value, md.FullName())
		}
	}
}
