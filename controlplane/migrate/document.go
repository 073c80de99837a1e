package migrate

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// document is a resource of the input.
type document struct {
	file   string
	number int    // of the document in the file, from 1
	prefix string // items[2]. for what is in a List

	node       *yaml.Node // its mapping, which keeps comments and order
	json       []byte     // the same as JSON
	apiVersion string
	kind       string
	name       string
	namespace  string // also where it says none
	written    string // the namespace that it says
	labels     map[string]string
	changed    bool // node is no longer what it was
}

// is tells whether a document is of a kind, in any version of its group.
func (d *document) is(group, kind string) bool {
	g, _, found := strings.Cut(d.apiVersion, "/")
	if !found {
		g = ""
	}
	return g == group && d.kind == kind
}

// errorf is an error at a field of the document.
func (d *document) errorf(field, format string, args ...any) error {
	return fmt.Errorf("%s, document %d: %s%s: %w", d.file, d.number, d.prefix, field, fmt.Errorf(format, args...))
}

// decode reads the document, or what Istio's types know of it.
func (d *document) decode(into any) error {
	if err := json.Unmarshal(d.json, into); err != nil {
		return d.errorf("spec", "%w", err)
	}
	return nil
}

// Input are the resources that matter, in order.
type Input struct {
	// Namespace is that of resources that say none, "default" if empty.
	Namespace string

	documents []*document
}

// Read reads the documents of a file. A document that cannot be read is an error that
// names it, and costs no other.
func (in *Input) Read(file string, content io.Reader) error {
	docs := utilyaml.NewYAMLReader(bufio.NewReader(content))
	var problems []error
	for n := 1; ; n++ {
		text, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return errors.Join(problems...)
		}
		if err != nil {
			return errors.Join(append(problems, fmt.Errorf("%s, document %d: %w", file, n, err))...)
		}
		var root yaml.Node
		if err := yaml.Unmarshal(text, &root); err != nil {
			problems = append(problems, fmt.Errorf("%s, document %d: %w", file, n, err))
			continue
		}
		if len(root.Content) == 0 {
			continue // nothing but comments
		}
		problems = append(problems, in.add(&document{file: file, number: n, node: root.Content[0]}))
	}
}

// add takes a document, or the items of a List each for itself.
func (in *Input) add(d *document) error {
	var value map[string]any
	if err := d.node.Decode(&value); err != nil {
		return fmt.Errorf("%s, document %d: %s%w", d.file, d.number, d.prefix, err)
	}
	if value == nil {
		return nil
	}
	var err error
	if d.json, err = json.Marshal(value); err != nil {
		return fmt.Errorf("%s, document %d: %s%w", d.file, d.number, d.prefix, err)
	}
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name      string            `json:"name"`
			Namespace string            `json:"namespace"`
			Labels    map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(d.json, &head); err != nil {
		return d.errorf("metadata", "%w", err)
	}
	d.apiVersion, d.kind = head.APIVersion, head.Kind
	d.name, d.written, d.labels = head.Metadata.Name, head.Metadata.Namespace, head.Metadata.Labels
	d.namespace = cmp.Or(d.written, in.Namespace, "default")
	if d.is("", "List") {
		return in.addItems(d)
	}
	switch {
	case d.apiVersion == "":
		return d.errorf("apiVersion", "is missing")
	case d.kind == "":
		return d.errorf("kind", "is missing")
	case d.name == "":
		return d.errorf("metadata.name", "is missing")
	}
	in.documents = append(in.documents, d)
	return nil
}

func (in *Input) addItems(list *document) error {
	items := child(list.node, "items")
	if items == nil || items.Kind != yaml.SequenceNode {
		return list.errorf("items", "a list is needed")
	}
	var problems []error
	for i, item := range items.Content {
		problems = append(problems, in.add(&document{
			file: list.file, number: list.number, prefix: fmt.Sprintf("%sitems[%d].", list.prefix, i), node: resolve(item),
		}))
	}
	return errors.Join(problems...)
}

// text is the document as YAML.
func (d *document) text() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(d.node); err != nil {
		return nil, d.errorf("metadata", "%w", err)
	}
	return b.Bytes(), e.Close()
}

// resolve is what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// child is a field of a mapping, nil if it has none.
func child(n *yaml.Node, key string) *yaml.Node {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return resolve(n.Content[i+1])
		}
	}
	return nil
}

// at follows fields and, by number, items.
func at(n *yaml.Node, path ...any) *yaml.Node {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			n = child(n, s)
		case int:
			if n == nil || n.Kind != yaml.SequenceNode || s >= len(n.Content) {
				return nil
			}
			n = resolve(n.Content[s])
		}
	}
	return n
}

// set gives a field of a mapping a text.
func (d *document) set(mapping *yaml.Node, key, value string) {
	d.changed = true
	if field := child(mapping, key); field != nil {
		field.Kind, field.Tag, field.Value = yaml.ScalarNode, "!!str", value
		field.Content, field.Alias = nil, nil
		return
	}
	mapping.Content = append(mapping.Content,
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key},
		&yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value})
}

// rename gives a field of a mapping another name, if the mapping has it.
func (d *document) rename(mapping *yaml.Node, key, name string) {
	for i := 0; mapping != nil && i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content[i].Value, d.changed = name, true
		}
	}
}
