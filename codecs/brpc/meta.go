package brpc

import "errors"

// Fields of RpcMeta. Source: apache/brpc, src/brpc/policy/baidu_rpc_meta.proto.
const (
	metaRequest     = 1
	metaResponse    = 2
	metaCompress    = 3
	metaID          = 4 // correlation_id
	metaAttachment  = 5 // attachment_size
	metaCredentials = 7 // authentication_data
	metaStream      = 8 // stream_settings
	metaUserFields  = 9
	metaContent     = 10 // content_type
)

// Fields of RpcRequestMeta. Sources: the same; of 7 also baidu/brpc-java,
// baidu_rpc_meta.proto.
const (
	callService    = 1
	callMethod     = 2
	callLogID      = 3
	callTraceID    = 4
	callSpanID     = 5
	callParentSpan = 6
	callSeven      = 7 // request_id in C++, ext_fields in Java
	callTimeout    = 8 // timeout_ms
)

// Fields of RpcResponseMeta, of the same source.
const (
	replyCode = 1
	replyText = 2
)

var (
	errNeither = errors.New("neither a request nor a response")
	errBoth    = errors.New("a request and a response at once")
)

// layout is what a meta has where. Of fields that come again the last one counts, but
// submessages are merged, as everywhere in Protocol Buffers.
type layout struct {
	meta        span
	id          field
	compress    field
	content     field
	attachment  field
	requests    int // how many there are
	request     int // where the last one starts
	responses   int
	userFields  int
	credentials bool
	stream      bool
}

// locate reads the top level of the meta in b[meta.from:meta.to]. After an error, the
// offset is the place of what is wrong.
func locate(b []byte, meta span) (l layout, offset int, err error) {
	l.meta = meta
	r := fieldsOf(b, meta)
	for f, ok := r.next(); ok; f, ok = r.next() {
		switch f.kind {
		case wireVarint:
			switch f.number {
			case metaID:
				l.id = f
			case metaCompress:
				l.compress = f
			case metaContent:
				l.content = f
			case metaAttachment:
				l.attachment = f
			}
		case wireBytes:
			switch f.number {
			case metaRequest:
				l.requests++
				l.request = f.at
			case metaResponse:
				l.responses++
			case metaCredentials:
				l.credentials = true
			case metaStream:
				l.stream = true
			case metaUserFields:
				l.userFields++
			}
		case wireFixed32, wireFixed64: // of none that is known
		}
	}
	switch {
	case r.err != nil:
		return l, r.at, r.err
	case l.requests+l.responses == 0:
		return l, meta.from, errNeither
	case l.requests > 0 && l.responses > 0:
		return l, meta.from, errBoth
	}
	return l, 0, nil
}

// call is what the meta of a request says beside its metadata: the last field with each
// number, and what fields 7 look like.
type call struct {
	last   [callTimeout + 1]field
	exts   int // fields 7 that have the form of ext_fields
	others int // fields 7 that have not
}

// callKinds are the forms of the values of a request's fields.
var callKinds = [callTimeout + 1]wireType{
	callService: wireBytes, callMethod: wireBytes, callLogID: wireVarint, callTraceID: wireVarint, callSpanID: wireVarint,
	callParentSpan: wireVarint, callSeven: wireBytes, callTimeout: wireVarint,
}

// readCall reads the requests in a meta as the one that they make together.
func readCall(b []byte, l *layout) (c call, offset int, err error) {
	meta := fieldsOf(b, l.meta)
	for f, ok := meta.next(); ok; f, ok = meta.next() {
		if f.number != metaRequest || f.kind != wireBytes {
			continue
		}
		r := fieldsOf(b, f.body)
		for g, ok := r.next(); ok; g, ok = r.next() {
			if g.number > callTimeout || g.kind != callKinds[g.number] {
				continue // not known
			}
			c.last[g.number] = g
			if g.number == callSeven {
				if e := readEntry(b, g.body); e.exact {
					c.exts++
				} else {
					c.others++
				}
			}
		}
		if r.err != nil {
			return c, r.at, r.err
		}
	}
	return c, 0, nil
}
