package sdk

import (
	"bytes"
	"slices"
	"time"
)

// Kind is what a message is to the host.
type Kind uint8

// The kinds of message. The zero Kind is none of them: Decode sets it last, when
// it knows the rest of the header too.
const (
	KindUnknown        Kind = iota
	KindRequest             // a call that wants an answer
	KindOneWay              // a call that gets no answer, whatever happens
	KindResponse            // the answer to a call, good or bad
	KindHeartbeat           // a sign of life that wants an answer; see Heartbeater
	KindHeartbeatReply      // the answer to one, or a sign of life that wants none
	KindGoAway              // the sender asks for no new calls on this connection
)

// String returns the kind's name as logs and tools print it.
func (k Kind) String() string {
	switch k {
	case KindRequest:
		return "request"
	case KindOneWay:
		return "oneway"
	case KindResponse:
		return "response"
	case KindHeartbeat:
		return "heartbeat"
	case KindHeartbeatReply:
		return "heartbeat-reply"
	case KindGoAway:
		return "go-away"
	case KindUnknown:
	}
	return "unknown"
}

// Entry is a key and its value: an attachment, a header, a context variable.
type Entry struct {
	Key, Value []byte
}

// Message is one message and what the codec read of it. The host makes it, keeps
// it for reuse, and resets it before each Decode; a codec fills it in.
type Message struct {
	// Decode sets these.

	Kind Kind
	// ID pairs a response with its request on one connection. Protocols without
	// ids leave it zero and implement Ordered.
	ID uint64
	// Token is 64 bits of the codec's own: what Reply has to know of a request
	// beside its id, such as the serialization or the protocol's version.
	Token uint64

	// Bytes is the whole message. The host sets it between Decode and Metadata.
	Bytes []byte

	// Metadata sets these.

	// Service and Method are what the call is routed by. They are raw: the host
	// escapes what a path cannot hold. A protocol without services leaves
	// Service empty.
	Service, Method []byte
	// Timeout is how long the caller waits, counted from the moment that the
	// message was sent. Zero: the message does not say.
	Timeout time.Duration
	// Status is the outcome that a response tells.
	Status Status

	// Notes are for the codec: offsets that Metadata found and Encode wants.
	Notes [8]int

	entries []Entry
	seen    uint64         // the bits of all keys of entries, see keyBit
	index   map[string]int // of entries, once there are many
	arena   []byte
}

// indexFrom is the number of entries from which on Set looks keys up in a map.
// Below it a linear search is faster; without a map a message of many entries
// would cost the square of their number.
const indexFrom = 16

// What a Message may keep for the next: enough for any usual one, not what one hostile
// message took.
const (
	maxKeptEntries = 1 << 10
	maxKeptArena   = 64 << 10
)

// Reset makes m empty, ready for the next Decode. Memory is kept, within bounds.
func (m *Message) Reset() {
	entries, arena := m.entries, m.arena
	index := m.index
	if cap(entries) > maxKeptEntries {
		entries, index = nil, nil
	}
	if cap(arena) > maxKeptArena {
		arena = nil
	}
	clear(entries) // drop what they point to
	clear(index)
	*m = Message{} // cleared first and filled then: a literal would be built elsewhere and copied
	m.entries, m.arena, m.index = entries[:0], arena[:0], index
}

// Set adds an entry, or replaces the value of the entry with that key: a key
// that a message repeats shows the value that was set last. Do not call it for
// values that the application would ignore.
func (m *Message) Set(key, value []byte) {
	if bit := keyBit(key); m.seen&bit == 0 {
		m.seen |= bit
	} else if i := m.find(key); i >= 0 {
		m.entries[i].Value = value
		return
	}
	// Filled in where it is: built elsewhere and copied, it costs twice as much.
	m.entries = append(m.entries, Entry{})
	e := &m.entries[len(m.entries)-1]
	e.Key, e.Value = key, value
	if len(m.entries) >= indexFrom {
		m.indexLast()
	}
}

// indexLast adds the last entry to the index, and those before it if they are not in it.
func (m *Message) indexLast() {
	if m.index == nil {
		m.index = make(map[string]int, 2*indexFrom)
	}
	last := len(m.entries) - 1
	if len(m.index) == 0 {
		for i, e := range m.entries[:last] {
			m.index[string(e.Key)] = i
		}
	}
	m.index[string(m.entries[last].Key)] = last
}

// Get returns the value of the entry with that key.
func (m *Message) Get(key string) (value []byte, ok bool) {
	if len(m.entries) >= indexFrom {
		i, ok := m.index[key]
		if !ok {
			return nil, false
		}
		return m.entries[i].Value, true
	}
	for i := range m.entries {
		if string(m.entries[i].Key) == key {
			return m.entries[i].Value, true
		}
	}
	return nil, false
}

// Entries are the entries in the order in which their keys first came. The slice
// is valid until the next Set or Reset.
func (m *Message) Entries() []Entry { return m.entries }

// Keep copies b to memory that lives as long as the message's other slices. Use
// it for text that does not stand in the message as such, because it had to be
// joined, unescaped or converted.
func (m *Message) Keep(b []byte) []byte {
	return m.KeepString(b, "")
}

// KeepString is Keep for the concatenation of b and s.
func (m *Message) KeepString(b []byte, s string) []byte {
	n := len(b) + len(s)
	if cap(m.arena)-len(m.arena) < n {
		// The old block stays alive through the slices that point into it.
		m.arena = make([]byte, 0, max(n, 2*cap(m.arena), 256))
	}
	start := len(m.arena)
	m.arena = append(append(m.arena, b...), s...)
	return m.arena[start:len(m.arena):len(m.arena)]
}

// keyBit returns one of 64 bits for a key. A message has few keys, so the bit of a new
// one is mostly not among theirs, and no search has to find that out.
func keyBit(key []byte) uint64 {
	n := len(key)
	if n == 0 {
		return 1
	}
	return 1 << ((uint(key[0]) + 3*uint(key[n/2]) + 5*uint(n)) % 64)
}

func (m *Message) find(key []byte) int {
	if len(m.entries) >= indexFrom {
		if i, ok := m.index[string(key)]; ok {
			return i
		}
		return -1
	}
	for i := range m.entries {
		if bytes.Equal(m.entries[i].Key, key) {
			return i
		}
	}
	return -1
}

// Mutation is what Encode is to change. The zero value changes nothing.
type Mutation struct {
	// NewID replaces the id with ID.
	NewID bool
	ID    uint64

	// Service and Method replace what Metadata read; nil leaves it.
	Service, Method []byte

	// Set replaces the value of each entry, or adds the entry where the message
	// has none with that key. Remove removes entries. No key is in both.
	Set    []Entry
	Remove [][]byte

	// Optional entries are set where the protocol has a place for them, and
	// otherwise left out. Tracing headers come this way.
	Optional []Entry
}

// Empty reports whether mut changes nothing.
func (mut *Mutation) Empty() bool {
	return !mut.NewID && mut.Service == nil && mut.Method == nil &&
		len(mut.Set) == 0 && len(mut.Remove) == 0 && len(mut.Optional) == 0
}

// Names reports whether mut sets or removes the entry with that key. Optional entries
// do not count.
func (mut *Mutation) Names(key string) bool {
	return slices.ContainsFunc(mut.Set, func(e Entry) bool { return string(e.Key) == key }) ||
		slices.ContainsFunc(mut.Remove, func(k []byte) bool { return string(k) == key })
}

// Apply appends the entries to dst as they are after the changes: in their order, those
// that are added last, the optional ones among them. It is for codecs that write a
// message anew; the slices are those of entries and mut.
func (mut *Mutation) Apply(dst, entries []Entry) []Entry {
	set, optional, before := finderOf(mut.Set), finderOf(mut.Optional), finderOf(entries)
	removed := make([]Entry, 0, len(mut.Remove))
	for _, key := range mut.Remove {
		removed = append(removed, Entry{Key: key})
	}
	gone := finderOf(removed)
	for _, e := range entries {
		if gone.find(e.Key) >= 0 {
			continue
		}
		if i := set.find(e.Key); i >= 0 {
			e.Value = mut.Set[i].Value
		} else if i := optional.find(e.Key); i >= 0 {
			e.Value = mut.Optional[i].Value
		}
		dst = append(dst, e)
	}
	for _, e := range mut.Set {
		if before.find(e.Key) < 0 {
			dst = append(dst, e)
		}
	}
	for _, e := range mut.Optional {
		if before.find(e.Key) < 0 && set.find(e.Key) < 0 {
			dst = append(dst, e)
		}
	}
	return dst
}

// finder finds entries by their keys, in a long list by a map.
type finder struct {
	list  []Entry
	index map[string]int
}

func finderOf(list []Entry) finder {
	f := finder{list: list}
	if len(list) < indexFrom {
		return f
	}
	f.index = make(map[string]int, len(list))
	for i, e := range list {
		f.index[string(e.Key)] = i
	}
	return f
}

// find returns the place of the entry with that key, -1 if there is none.
func (f *finder) find(key []byte) int {
	if f.index != nil {
		if i, ok := f.index[string(key)]; ok {
			return i
		}
		return -1
	}
	return slices.IndexFunc(f.list, func(e Entry) bool { return bytes.Equal(e.Key, key) })
}

// Reset makes mut change nothing. Memory is kept.
func (mut *Mutation) Reset() {
	clear(mut.Set)
	clear(mut.Remove)
	clear(mut.Optional)
	*mut = Mutation{Set: mut.Set[:0], Remove: mut.Remove[:0], Optional: mut.Optional[:0]}
}
