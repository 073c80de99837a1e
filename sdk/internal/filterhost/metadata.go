package filterhost

import (
	"bytes"
	"iter"
	"maps"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// headers are the headers of a request or response, with the changes that the filter
// made to them.
type headers struct {
	list    []engine.Field
	own     bool           // the list may be changed
	changes []engine.Field // an empty value removes
	refused string         // a key that was given a value that Envoy cannot hold
	frozen  bool           // it is too late for changes
}

// keep copies the list, which was borrowed, so that it outlives the hook.
func (h *headers) keep() {
	size := 0
	for i := range h.list {
		size += len(h.list[i].Name) + len(h.list[i].Value)
	}
	text := make([]byte, 0, size)
	list := make([]engine.Field, len(h.list))
	for i, f := range h.list {
		from := len(text)
		text = append(append(text, f.Name...), f.Value...)
		split := from + len(f.Name)
		list[i] = engine.Field{Name: text[from:split:split], Value: text[split:len(text):len(text)]}
	}
	h.list, h.own = list, true
}

// set changes a header; an empty value removes it.
func (h *headers) set(name, value []byte) {
	if !h.own {
		h.list, h.own = append(make([]engine.Field, 0, len(h.list)+4), h.list...), true
	}
	h.list = replaced(h.list, name, value, len(value) > 0)
	h.changes = replaced(h.changes, name, value, true)
}

// replaced gives the first field of that name another value and takes the others away. A
// field that is not there is added, and one that is not kept goes too.
func replaced(list []engine.Field, name, value []byte, keep bool) []engine.Field {
	kept := list[:0]
	for _, f := range list {
		if !bytes.Equal(f.Name, name) {
			kept = append(kept, f)
		} else if keep {
			kept, keep = append(kept, engine.Field{Name: name, Value: value}), false
		}
	}
	if keep {
		kept = append(kept, engine.Field{Name: name, Value: value})
	}
	return kept
}

// has reports whether there is a header of that name.
func (h *headers) has(name []byte) bool {
	return slices.ContainsFunc(h.list, func(f engine.Field) bool { return bytes.Equal(f.Name, name) })
}

// view shows those of the headers that are entries of one kind; filter.Metadata.
type view struct {
	*headers
	codec *engine.Config
	local bool
}

// name is the header of a key, without the mark of an escaped value.
func (v view) name(dst []byte, key string) []byte {
	if v.local {
		return engine.AppendLocalName(dst, []byte(key))
	}
	if bare := bytes.ToLower([]byte(key)); v.codec.IsTracing(bare) {
		return append(dst, bare...)
	}
	return engine.AppendMetadataName(dst, []byte(key))
}

// Get implements filter.Metadata.
func (v view) Get(key string) (value string, ok bool) {
	var buffer [128]byte
	name := v.name(buffer[:0], key)
	var found []byte
	for _, f := range v.list {
		if !bytes.Equal(engine.PlainName(f.Name), name) {
			continue
		}
		text, err := engine.AppendPlainValue(nil, f.Name, f.Value)
		if err != nil {
			continue // the far edge refuses it
		}
		if ok {
			found = append(append(found, ','), text...) // a list, as RFC 9110 has it
		} else {
			found, ok = text, true
		}
	}
	return string(found), ok
}

// Set implements filter.Metadata.
func (v view) Set(key, value string) {
	if v.frozen {
		return
	}
	name := v.name(nil, key)
	marked := append(slices.Clip(name), '~')
	if value == "" {
		if !v.local {
			v.refused = key
			return
		}
		v.Remove(key)
		return
	}
	text, escaped := engine.AppendValue(nil, []byte(value))
	if escaped {
		name, marked = marked, name
	}
	if v.has(marked) {
		v.set(marked, nil)
	}
	v.set(name, text)
}

// Add implements filter.Metadata.
func (v view) Add(key, value string) bool {
	if _, ok := v.Get(key); ok || v.frozen {
		return false
	}
	v.Set(key, value)
	return true
}

// Remove implements filter.Metadata.
func (v view) Remove(key string) {
	if v.frozen {
		return
	}
	name := v.name(nil, key)
	for _, n := range [][]byte{name, append(slices.Clip(name), '~')} {
		if v.has(n) {
			v.set(n, nil)
		}
	}
}

// All implements filter.Metadata.
func (v view) All() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for _, f := range slices.Clone(v.list) { // entries may be changed meanwhile
			key, ok := v.key(f.Name)
			if !ok {
				continue
			}
			value, err := engine.AppendPlainValue(nil, f.Name, f.Value)
			if err == nil && !yield(key, string(value)) {
				return
			}
		}
	}
}

// key is the key of an entry of the view's kind.
func (v view) key(name []byte) (key string, ok bool) {
	var b []byte
	var err error
	switch {
	case v.local && engine.IsLocalHeader(name):
		b, err = engine.AppendLocalKey(nil, name)
	case v.local:
		return "", false
	case v.codec.IsTracing(name):
		return string(name), true
	case engine.IsMetadataHeader(name):
		b, err = engine.AppendMetadataKey(nil, name)
	default:
		return "", false
	}
	return string(b), err == nil
}

// Entries are the entries that a list of headers shows, metadata or local ones.
func Entries(codec *engine.Config, list []engine.Field, local bool) map[string]string {
	return maps.Collect(view{headers: &headers{list: list}, codec: codec, local: local}.All())
}

// AddEntry adds an entry to a list of headers, as an edge does.
func AddEntry(codec *engine.Config, list []engine.Field, key, value string, local bool) []engine.Field {
	name := view{codec: codec, local: local}.name(nil, key)
	text, marked := engine.AppendValue(nil, []byte(value))
	if marked {
		name = append(name, '~')
	}
	return append(list, engine.Field{Name: name, Value: text})
}

// Apply makes the changes of an output in a list of headers, as Envoy does.
func Apply(list, changes []engine.Field) []engine.Field {
	h := headers{list: list}
	for _, f := range changes {
		h.set(f.Name, f.Value)
	}
	return h.list
}
