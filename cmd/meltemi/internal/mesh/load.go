package mesh

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the nodes of a file after its aliases are expanded, so that a
// file of a few lines cannot ask for gigabytes.
const maxNodes = 1 << 18

// load parses text, one YAML document, into a tree without aliases, merges and
// comments, which the caller may change. Each node keeps its line.
func load(text []byte) (*yaml.Node, problems) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, problems{{Text: "the file is empty; it needs listeners and clusters"}}
		}
		return nil, problems{syntaxProblem(err)}
	}
	var next yaml.Node
	switch err := decoder.Decode(&next); {
	case err == nil:
		return nil, problems{{Line: next.Line, Text: "a second YAML document; a mesh file is one document"}}
	case !errors.Is(err, io.EOF):
		return nil, problems{syntaxProblem(err)}
	}
	var e expander
	root := e.expand("", doc.Content[0])
	if e.count > maxNodes {
		e.problems = problems{{Text: fmt.Sprintf("aliases expand to more than %d values", maxNodes)}}
	}
	if len(e.problems) == 0 && root.Kind != yaml.MappingNode {
		e.problems.add("", root.Line, "want a mapping with listeners and clusters, got %s", kindOf(root))
	}
	return root, e.problems
}

// syntaxProblem takes the line out of an error of the YAML parser, which has no
// type for it: "yaml: line 3: did not find expected key".
func syntaxProblem(err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		number, what, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(number); err == nil {
			return Problem{Line: line, Text: "not YAML: " + what}
		}
	}
	return Problem{Text: "not YAML: " + text}
}

// expander copies a tree and replaces aliases and merge keys by what they mean.
type expander struct {
	problems problems
	count    int
	open     []*yaml.Node // anchors being expanded: an alias to one of them has no end
}

func (e *expander) expand(path string, n *yaml.Node) *yaml.Node {
	if e.count++; e.count > maxNodes {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: nullTag}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return e.alias(path, n)
	case yaml.MappingNode:
		return e.mapping(path, n)
	case yaml.SequenceNode:
		list := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Style: n.Style, Line: n.Line}
		for i, item := range n.Content {
			list.Content = append(list.Content, e.expand(index(path, i), item))
		}
		return list
	default:
		return &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style, Line: n.Line}
	}
}

func (e *expander) alias(path string, n *yaml.Node) *yaml.Node {
	if slices.Contains(e.open, n.Alias) {
		e.problems.add(path, n.Line, "the alias *%s contains itself", n.Value)
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: nullTag, Line: n.Line}
	}
	e.open = append(e.open, n.Alias)
	defer func() { e.open = e.open[:len(e.open)-1] }()
	return e.expand(path, n.Alias)
}

func (e *expander) mapping(path string, n *yaml.Node) *yaml.Node {
	out := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Style: n.Style, Line: n.Line}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, value)
			continue
		}
		if key.Kind != yaml.ScalarNode {
			e.problems.add(path, key.Line, "a key must be a plain word, not %s", kindOf(key))
			continue
		}
		if get(out, key.Value) != nil {
			e.problems.add(join(path, key.Value), key.Line, "given twice")
			continue
		}
		out.Content = append(out.Content, e.expand(path, key), e.expand(join(path, key.Value), value))
	}
	for _, source := range merged {
		e.merge(path, out, source)
	}
	return out
}

// merge adds to out what a merge key (<<) names and out does not say itself.
func (e *expander) merge(path string, out, source *yaml.Node) {
	line := source.Line
	source = e.expand(path, source)
	switch source.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(source.Content); i += 2 {
			if get(out, source.Content[i].Value) == nil {
				out.Content = append(out.Content, source.Content[i], source.Content[i+1])
			}
		}
	case yaml.SequenceNode:
		for _, item := range source.Content {
			e.merge(path, out, item)
		}
	default:
		e.problems.add(path, line, "<< wants a mapping, got %s", kindOf(source))
	}
}
