package thrift

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errPayload  = errors.New("a payload and arguments exclude each other")
	errMetadata = errors.New("the transport has no headers: choose theader or ttheader")
)

// BuildRequest implements sdk.RequestBuilder, in the transport and the protocol of the
// configuration, framed and binary if it leaves the choice. The type of an argument is
// one of the IDL (typeExpr). A payload is a whole struct of arguments.
func (c *Codec) BuildRequest(dst []byte, r sdk.Request) ([]byte, error) {
	f := form{transport: c.transport, protocol: c.protocol, seq: uint32(r.ID & 0xffffffff)}
	if !f.transport.headers() && len(r.Metadata) > 0 {
		return dst, errMetadata
	}
	name := r.Method
	if f.transport != ttheader && r.Service != "" {
		name = r.Service + ":" + r.Method
	}
	if err := checkName(name); err != nil {
		return dst, fmt.Errorf("name: %w", err)
	}
	kind := typeCall
	if r.OneWay && !c.oneway[name] {
		kind = typeOneway
	}
	start := len(dst)
	w := valueWriter{b: appendEnvelope(f.begin(dst, r.ID, f.requestHeaders(&r)), f.protocol, kind, name, f.seq), protocol: f.protocol}
	switch {
	case r.Payload != nil && len(r.Arguments) > 0:
		return dst, errPayload
	case r.Payload != nil:
		w.b = append(w.b, r.Payload...)
	default:
		if err := w.arguments(r.Arguments); err != nil {
			return dst, err
		}
	}
	return f.finish(w.b, start)
}

// requestHeaders are the metadata and what has a header of its own.
func (f form) requestHeaders(r *sdk.Request) []sdk.Entry {
	var all []sdk.Entry
	ms := []byte(strconv.FormatInt(r.Timeout.Milliseconds(), 10))
	switch f.transport {
	case theader:
		if r.Timeout > 0 {
			all = append(all, sdk.Entry{Key: []byte(keyClientTimeout), Value: ms})
		}
	case ttheader:
		if r.Service != "" {
			all = append(all, sdk.Entry{Key: []byte(keyService), Value: []byte(r.Service)})
		}
		if r.Timeout > 0 {
			all = append(all, sdk.Entry{Key: []byte(keyRPCTimeout), Value: ms})
		}
	case framed, unframed:
	}
	return append(all, r.Metadata...)
}

// BuildResponse implements sdk.ResponseBuilder, in the form of the request. A result
// has the type that its value suggests. The type of an exception is the name of a type
// of TApplicationException, or the id of a field for one that the IDL declares, which
// then has the message as its field 1.
func (*Codec) BuildResponse(dst []byte, req *sdk.Message, r sdk.Response) ([]byte, error) {
	f := formOf(req.Token)
	if !f.transport.headers() && len(r.Metadata) > 0 {
		return dst, errMetadata
	}
	start := len(dst)
	kind, seq := typeReply, f.seqOf(req.ID)
	var exception int32
	field, declared := int16(0), false
	if r.Exception != nil {
		if field, declared = fieldID(r.Exception.Type); !declared {
			var err error
			if exception, err = typeNamed(r.Exception.Type); err != nil {
				return dst, err
			}
			kind = typeException
		}
	}
	w := valueWriter{b: appendEnvelope(f.begin(dst, req.ID, r.Metadata), f.protocol, kind, string(req.Method), seq), protocol: f.protocol}
	switch {
	case declared:
		w.field(tStruct, field, 0)
		w.field(tString, 1, 0)
		w.text(r.Exception.Message)
		w.stop()
		w.stop()
	case r.Exception != nil:
		w.b = appendException(w.b, f.protocol, exception, r.Exception.Message)
	default:
		if err := w.result(r.Result); err != nil {
			return dst, err
		}
	}
	return f.finish(w.b, start)
}

// result appends the struct of a result.
func (w *valueWriter) result(v any) error {
	if v != nil {
		t, err := guessType(v, 0)
		if err == nil {
			err = w.fieldOf(t, v, 0)
		}
		if err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	w.stop()
	return nil
}

func fieldID(text string) (int16, bool) {
	n, err := strconv.ParseInt(text, 10, 16)
	return int16(n), err == nil && n > 0
}

// typeNamed is the type of a TApplicationException with that name; none is UNKNOWN.
func typeNamed(name string) (int32, error) {
	if name == "" {
		return exUnknown, nil
	}
	for i := range statuses {
		if statuses[i].Name == name {
			return int32(statuses[i].Native), nil //nolint:gosec // a small number
		}
	}
	return 0, fmt.Errorf("exception: %q is neither the id of a field nor a type such as INTERNAL_ERROR", name)
}
