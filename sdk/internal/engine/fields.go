package engine

import (
	"slices"
	"strconv"
	"time"
)

// Field is an HTTP header. Names are lower-case.
type Field struct {
	Name, Value []byte
}

// The headers that cross Envoy. Values of x-rpc-* are metadata, but for kind and
// status. headerReset says that a response does not end by itself, and how long its
// body is.
const (
	prefix       = "x-rpc-"
	localPrefix  = "x-rpc-local-"
	headerKind   = "x-rpc-kind"
	headerStatus = "x-rpc-status"
	headerCause  = "x-meltemi-cause"
	headerReset  = "x-meltemi-reset"
	kindOneway   = "oneway"
)

// fields builds a list of headers whose bytes lie in one scratch buffer, so that
// building it again allocates nothing. Slices of an earlier list are overwritten.
type fields struct {
	list    []Field
	scratch []byte
	views   []view
	seen    uint64 // the bits of all names of views, see nameBit
}

func (f *fields) reset() {
	clear(f.list)
	clear(f.views)
	f.list, f.scratch, f.views, f.seen = f.list[:0], f.scratch[:0], f.views[:0], 0
}

func (f *fields) add(name, value []byte) {
	f.list = append(f.list, Field{name, value})
}

// grow makes room for n more bytes of scratch without moving it later: slices
// that were handed out stay whole.
func (f *fields) grow(n int) {
	if cap(f.scratch)-len(f.scratch) < n {
		// The old block stays alive through the fields that point into it.
		f.scratch = make([]byte, 0, max(n, 2*cap(f.scratch), 256))
	}
}

// tail returns what was appended to scratch from a given length on.
func (f *fields) tail(from int) []byte { return f.scratch[from:len(f.scratch):len(f.scratch)] }

func (f *fields) addInt(name []byte, v int64) {
	f.grow(20)
	from := len(f.scratch)
	f.scratch = strconv.AppendInt(f.scratch, v, 10)
	f.add(name, f.tail(from))
}

// addTimeout adds grpc-timeout.
func (f *fields) addTimeout(d time.Duration) {
	f.grow(20)
	from := len(f.scratch)
	f.scratch = AppendTimeout(f.scratch, d)
	f.add(nameTimeout, f.tail(from))
}

// AppendTimeout appends the value of grpc-timeout: at most eight digits and a unit. It is
// at least a millisecond.
// Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
func AppendTimeout(dst []byte, d time.Duration) []byte {
	n, unit := max(d.Milliseconds(), 1), byte('m')
	if n > 99999999 {
		n, unit = min(n/1000, 99999999), 'S'
	}
	return append(strconv.AppendInt(dst, n, 10), unit)
}

// The names of headers that are added, as bytes.
var (
	nameMethod      = []byte(":method")
	nameScheme      = []byte(":scheme")
	nameAuthority   = []byte(":authority")
	namePath        = []byte(":path")
	nameContentType = []byte("content-type")
	nameTE          = []byte("te")
	nameTimeout     = []byte("grpc-timeout")
	nameGRPCStatus  = []byte("grpc-status")
	nameGRPCMessage = []byte("grpc-message")
	nameKind        = []byte(headerKind)
	nameStatus      = []byte(headerStatus)
	nameCause       = []byte(headerCause)
	nameReset       = []byte(headerReset)
)

// plainName is a header name without the mark of an escaped value.
func plainName(name []byte) []byte {
	if n := len(name); n > 0 && name[n-1] == escapeMark {
		return name[:n-1]
	}
	return name
}

// find returns the value of a header, joined with commas if it is repeated.
func find(list []Field, name string) (value []byte, ok bool) {
	for i := range list {
		if string(list[i].Name) != name {
			continue
		}
		if !ok {
			value, ok = list[i].Value, true
			continue
		}
		value = append(append(slices.Clip(value), ','), list[i].Value...)
	}
	return value, ok
}
