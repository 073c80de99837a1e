package engine

import "hash/maphash"

// headerEncoder writes header blocks (HPACK, RFC 7541) without allocating: what
// golang.org/x/net has takes strings, and a call would cost one for each value.
//
// A field goes into the dynamic table when it comes the second time: what differs
// on each call, such as a trace id, does not push out what repeats.
type headerEncoder struct {
	index   map[string]uint64 // field, and name alone, to the number of its insertion
	order   []tableEntry      // the fields in the table, oldest at first
	first   int               // what lies before was evicted
	count   uint64            // insertions so far
	evicted uint64            // of them, how many are out again
	size    int
	max     int
	resized bool // the peer must be told of a new max
	lowest  int  // the least that max was since it was told
	seed    maphash.Seed
	once    [64]uint32 // hashes of fields that came once
	key     []byte
	before  []place // where the fields of the last block were found, in its order
}

// place is where an indexed field was found: most fields of a block are those of the
// one before, and then need no search.
type place struct {
	key    string // name, 0, value; empty: it was not indexed
	at     uint64 // number of its insertion
	static byte   // or its index in the static table
}

// holds reports whether the place is that of the field.
func (p *place) holds(name, value []byte) bool {
	n := len(name)
	return len(p.key) == n+1+len(value) && p.key[n] == 0 && p.key[:n] == string(name) && p.key[n+1:] == string(value)
}

type tableEntry struct {
	key  string // name, 0, value
	name int    // length of name
}

const (
	headerTableSize = 4096 // both sides' default, and all we use
	entryOverhead   = 32   // section 4.1
	maxIndexed      = 512  // longer fields are not worth a place
	staticEntries   = 61   // appendix A
)

const (
	methodPost = ":method\x00POST"
	schemeHTTP = ":scheme\x00http"
)

// staticFields are the fields of the static table that requests use whole, and
// staticIndex the names that they use.
var (
	staticFields = map[string]place{methodPost: {key: methodPost, static: 3}, schemeHTTP: {key: schemeHTTP, static: 6}}
	staticIndex  = map[string]byte{":authority": 1, ":method": 2, ":path": 4, ":scheme": 6, "content-type": 31}
)

func (e *headerEncoder) init() {
	e.index = make(map[string]uint64)
	e.max = headerTableSize
	e.seed = maphash.MakeSeed()
}

// resize follows the peer's SETTINGS_HEADER_TABLE_SIZE.
func (e *headerEncoder) resize(n uint32) {
	size := int(min(n, headerTableSize))
	if size == e.max {
		return
	}
	if !e.resized {
		e.lowest = size
	}
	e.lowest = min(e.lowest, size)
	e.max, e.resized = size, true
	e.evict(0)
}

// appendBlock appends the header block of the fields.
func (e *headerEncoder) appendBlock(dst []byte, list []Field) []byte {
	if e.resized {
		e.resized = false
		if e.lowest < e.max { // section 4.2: both are told
			dst = appendInteger(dst, 0x20, 5, uint64(e.lowest)) //nolint:gosec // not negative
		}
		dst = appendInteger(dst, 0x20, 5, uint64(e.max)) //nolint:gosec // not negative
	}
	for i := range list {
		if i == len(e.before) {
			e.before = append(e.before, place{})
		}
		switch p := &e.before[i]; {
		case !p.holds(list[i].Name, list[i].Value):
			dst = e.appendField(dst, list[i].Name, list[i].Value, p)
		case p.static != 0:
			dst = append(dst, 0x80|p.static)
		case p.at >= e.evicted:
			dst = appendInteger(dst, 0x80, 7, e.position(p.at))
		default:
			dst = e.appendField(dst, list[i].Name, list[i].Value, p)
		}
	}
	return dst
}

// appendField appends a field and notes its place if it is indexed.
func (e *headerEncoder) appendField(dst, name, value []byte, p *place) []byte {
	e.key = append(append(append(e.key[:0], name...), 0), value...)
	var ok bool
	if *p, ok = staticFields[string(e.key)]; ok {
		return append(dst, 0x80|p.static)
	}
	if at, ok := e.index[string(e.key)]; ok {
		*p = place{key: e.order[e.first+int(at-e.evicted)].key, at: at} //nolint:gosec // among those in the table
		return appendInteger(dst, 0x80, 7, e.position(at))
	}
	nameIndex := e.nameIndex(name)
	first, bits := byte(0x00), 4 // literal without indexing
	if e.worth(len(e.key)) {
		first, bits = 0x40, 6 // literal with incremental indexing
		e.insert(len(name))
	}
	dst = appendInteger(dst, first, bits, nameIndex)
	if nameIndex == 0 {
		dst = appendString(dst, name)
	}
	return appendString(dst, value)
}

// nameIndex is the index of a name, 0 if there is none.
func (e *headerEncoder) nameIndex(name []byte) uint64 {
	if i, ok := staticIndex[string(name)]; ok {
		return uint64(i)
	}
	if at, ok := e.index[string(name)]; ok {
		return e.position(at)
	}
	return 0
}

// position is the index of an insertion: the latest follows the static table.
func (e *headerEncoder) position(at uint64) uint64 { return staticEntries + 1 + (e.count - 1 - at) }

// worth reports whether the field in key should enter the table.
func (e *headerEncoder) worth(n int) bool {
	if n > maxIndexed || n+entryOverhead > e.max {
		return false
	}
	hash := uint32(maphash.Bytes(e.seed, e.key) >> 32)
	slot := &e.once[hash%uint32(len(e.once))]
	if *slot == hash {
		return true
	}
	*slot = hash
	return false
}

// insert puts the field in key into the table.
func (e *headerEncoder) insert(nameLength int) {
	key := string(e.key)
	e.evict(len(key) - 1 + entryOverhead)
	if e.first > 0 && len(e.order) == cap(e.order) {
		e.order = e.order[:copy(e.order, e.order[e.first:])]
		e.first = 0
	}
	e.order = append(e.order, tableEntry{key, nameLength})
	e.size += len(key) - 1 + entryOverhead
	e.index[key] = e.count
	e.index[key[:nameLength]] = e.count
	e.count++
}

// evict makes room for n more bytes.
func (e *headerEncoder) evict(n int) {
	for e.first < len(e.order) && e.size+n > e.max {
		old := &e.order[e.first]
		at := e.evicted // insertions leave in the order in which they came
		if e.index[old.key] == at {
			delete(e.index, old.key)
		}
		if name := old.key[:old.name]; e.index[name] == at {
			delete(e.index, name)
		}
		e.size -= len(old.key) - 1 + entryOverhead
		*old = tableEntry{}
		e.first++
		e.evicted++
	}
}

// appendInteger appends v with a prefix of that many bits (section 5.1).
func appendInteger(dst []byte, first byte, bits int, v uint64) []byte {
	limit := uint64(1)<<bits - 1
	if v < limit {
		return append(dst, first|byte(v))
	}
	dst = append(dst, first|byte(limit))
	for v -= limit; v >= 0x80; v >>= 7 {
		dst = append(dst, byte(v)|0x80)
	}
	return append(dst, byte(v))
}

// appendString appends s without Huffman coding: the reader is in this process.
func appendString(dst, s []byte) []byte {
	return append(appendInteger(dst, 0, 7, uint64(len(s))), s...)
}
