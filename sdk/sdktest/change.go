package sdktest

import (
	"maps"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// change is something that a mesh can ask for.
type change struct {
	name string // with what it is made of
	kind string // without
	mut  sdk.Mutation

	// want is what must be read afterwards.
	want func(r *reading)
	// optional entries may be there afterwards or not.
	optional bool
	// back takes the change back; nil where the original bytes cannot be expected.
	back *sdk.Mutation
}

const (
	newID      = 0x5a17c0de
	newService = "meltemi.test.Changed"
	newMethod  = "changedMethod"
	newKey     = "meltemi-test"
	newValue   = "a changed value"
)

// changesOf are the changes to try on a message: of each thing alone, and of all.
func changesOf(m *sdk.Message, ordered bool) []change {
	r := readingOf(m)
	var all []change
	if !ordered { // the host does not change ids where order counts
		all = append(all, change{
			name: "the id", kind: "the id", mut: sdk.Mutation{NewID: true, ID: newID},
			want: func(r *reading) { r.id = newID },
			back: &sdk.Mutation{NewID: true, ID: r.id},
		})
	}
	if m.Kind != sdk.KindResponse {
		all = append(all, changeService(newService, r), changeMethod(newMethod, r))
	}
	keys := slices.Sorted(maps.Keys(r.entries))
	for _, key := range keys[:min(len(keys), 6)] {
		all = append(all, changeEntry("an entry", key, newValue, r), removeEntry(key))
	}
	all = append(all,
		changeEntry("a new entry", newKey, newValue, r),
		change{name: "an optional entry", kind: "an optional entry", mut: sdk.Mutation{Optional: entry(newKey, newValue)}, optional: true, want: func(*reading) {}})
	return append(all, everything(keys, m.Kind, ordered))
}

func changeService(to string, r *reading) change {
	return change{
		name: "the service", kind: "the service", mut: sdk.Mutation{Service: []byte(to)},
		want: func(r *reading) { r.service = to },
		back: &sdk.Mutation{Service: []byte(r.service)},
	}
}

func changeMethod(to string, r *reading) change {
	return change{
		name: "the method", kind: "the method", mut: sdk.Mutation{Method: []byte(to)},
		want: func(r *reading) { r.method = to },
		back: &sdk.Mutation{Method: []byte(r.method)},
	}
}

func changeEntry(kind, key, to string, r *reading) change {
	ch := change{name: kind + " (" + short(key) + ")", kind: kind, mut: sdk.Mutation{Set: entry(key, to)}, want: func(r *reading) { r.entries[key] = to }}
	if old, there := r.entries[key]; there {
		ch.back = &sdk.Mutation{Set: entry(key, old)}
	}
	return ch
}

func removeEntry(key string) change {
	return change{
		name: "the presence of entry " + short(key), kind: "the presence of an entry", mut: sdk.Mutation{Remove: [][]byte{[]byte(key)}},
		want: func(r *reading) { delete(r.entries, key) },
	}
}

// everything is all changes at once.
func everything(keys []string, kind sdk.Kind, ordered bool) change {
	ch := change{name: "several things", kind: "several things", mut: sdk.Mutation{Set: entry(newKey, newValue)}}
	if !ordered {
		ch.mut.NewID, ch.mut.ID = true, newID
	}
	if kind != sdk.KindResponse {
		ch.mut.Method = []byte(newMethod)
	}
	if len(keys) > 0 {
		ch.mut.Remove = [][]byte{[]byte(keys[0])}
	}
	if len(keys) > 1 {
		ch.mut.Set = append(ch.mut.Set, sdk.Entry{Key: []byte(keys[1]), Value: []byte(newValue)})
	}
	ch.want = func(r *reading) {
		if ch.mut.NewID {
			r.id = ch.mut.ID
		}
		if ch.mut.Method != nil {
			r.method = newMethod
		}
		for _, k := range ch.mut.Remove {
			delete(r.entries, string(k))
		}
		for _, e := range ch.mut.Set {
			r.entries[string(e.Key)] = string(e.Value)
		}
	}
	return ch
}

func entry(key, value string) []sdk.Entry {
	return []sdk.Entry{{Key: []byte(key), Value: []byte(value)}}
}
