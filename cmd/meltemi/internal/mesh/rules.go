package mesh

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// validator is what protoc-gen-validate makes of the rules in Envoy's API.
type validator interface{ ValidateAll() error }

// fieldError is one broken rule: which field, why, or what is wrong inside it.
type fieldError interface {
	error
	Field() string
	Reason() string
	Cause() error
}

// checkRules reads t as its message and asks the rules of Envoy's API. The tree
// must have passed the schema.
func checkRules(into *problems, t typed) {
	message, err := readMessage(t.node, t.prototype)
	if err != nil {
		into.add(t.path, t.node.Line, "%v", err)
		return
	}
	v, ok := message.(validator)
	if !ok {
		return
	}
	if err := v.ValidateAll(); err != nil {
		explain(into, err, t.path, t.node, message.ProtoReflect().Descriptor())
	}
}

// readMessage reads n as a message of prototype's type.
func readMessage(n *yaml.Node, prototype proto.Message) (proto.Message, error) {
	bytes, err := toJSON(withoutKey(n, "@type"))
	if err != nil {
		return nil, err
	}
	message := prototype.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal(bytes, message); err != nil {
		return nil, fmt.Errorf("not %s: %w", article(string(prototype.ProtoReflect().Descriptor().Name())), err)
	}
	return message, nil
}

// withoutKey is n without the entry of that name; n stays as it is.
func withoutKey(n *yaml.Node, key string) *yaml.Node {
	if get(n, key) == nil {
		return n
	}
	out := *n
	out.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != key {
			out.Content = append(out.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &out
}

// explain adds the broken rules in err, which speak of Go fields of md, as problems
// of fields of the file: n is the tree that md describes, at path.
func explain(into *problems, err error, path string, n *yaml.Node, md protoreflect.MessageDescriptor) {
	var list interface{ AllErrors() []error }
	if errors.As(err, &list) {
		for _, err := range list.AllErrors() {
			explain(into, err, path, n, md)
		}
		return
	}
	var broken fieldError
	if !errors.As(err, &broken) {
		into.add(path, n.Line, "%v", err)
		return
	}
	name, element := splitGoField(broken.Field())
	fd, choices := goField(md, name)
	if fd == nil {
		if choices != "" {
			into.add(path, n.Line, "needs one of %s", choices)
		} else {
			into.add(path, n.Line, "%s: %s", broken.Field(), broken.Reason())
		}
		return
	}
	at, inner := descend(path, n, fd, element)
	if cause := broken.Cause(); cause != nil && fd.Message() != nil {
		md := fd.Message()
		if fd.IsMap() {
			md = fd.MapValue().Message()
		}
		explain(into, cause, at, inner, md)
		return
	}
	into.add(at, inner.Line, "%s", broken.Reason())
}

// splitGoField takes "Routes[3]" apart; element is empty where there is none.
func splitGoField(field string) (name, element string) {
	name, rest, ok := strings.Cut(field, "[")
	if !ok {
		return field, ""
	}
	return name, strings.TrimSuffix(rest, "]")
}

// goField finds the field of md whose name in Go is name; or, if that is the name
// of a oneof, its fields as a text.
func goField(md protoreflect.MessageDescriptor, name string) (_ protoreflect.FieldDescriptor, choices string) {
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); plain(string(fd.Name())) == plain(name) {
			return fd, ""
		}
	}
	for i := range md.Oneofs().Len() {
		if group := md.Oneofs().Get(i); plain(string(group.Name())) == plain(name) {
			var names []string
			for j := range group.Fields().Len() {
				names = append(names, string(group.Fields().Get(j).Name()))
			}
			return nil, strings.Join(names, ", ")
		}
	}
	return nil, ""
}

// descend finds the path and the node of a field of n, or of an element of that
// field. The node is n where the field is not in the file.
func descend(path string, n *yaml.Node, fd protoreflect.FieldDescriptor, element string) (string, *yaml.Node) {
	path = join(path, string(fd.Name()))
	value := get(n, string(fd.Name()))
	if value == nil {
		return path, n
	}
	if element == "" {
		return path, value
	}
	if i, err := strconv.Atoi(element); err == nil && fd.IsList() {
		path = index(path, i)
		if i < len(value.Content) {
			value = value.Content[i]
		}
		return path, value
	}
	if inner := get(value, element); inner != nil {
		return join(path, element), inner
	}
	return path, value
}
