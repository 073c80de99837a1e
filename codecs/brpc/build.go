package brpc

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var (
	errPayloadToo = errors.New("a payload and arguments exclude each other")
	errOneWay     = errors.New("bRPC has no one-way calls: its servers always answer")
	errArguments  = errors.New("a method has one argument, its request")
)

// BuildRequest implements sdk.RequestBuilder. The argument is the request's message, an
// object: by the numbers of its fields, with a type or without, or by their names, which
// makes it JSON, the content type that C++ servers read too. An argument that is no
// object is field 1 of the message. A payload is an encoded message, and the attachment
// behind it if the metadata has attachment_size.
func (c *Codec) BuildRequest(dst []byte, r sdk.Request) ([]byte, error) {
	if r.OneWay {
		return dst, errOneWay
	}
	if part, err := c.checkNames([]byte(r.Service), []byte(r.Method)); err != nil {
		return dst, fmt.Errorf("%s: %w", part, err)
	}
	payload, set := r.Payload, contentEntry(contentProtobuf, r.Metadata)
	switch {
	case r.Payload != nil && len(r.Arguments) > 0:
		return dst, errPayloadToo
	case len(r.Arguments) > 1:
		return dst, errArguments
	case len(r.Arguments) == 1:
		text, content, err := encodeMessage(r.Arguments[0], true)
		if err != nil {
			return dst, fmt.Errorf("argument: %w", err)
		}
		payload, set = text, contentEntry(content, r.Metadata)
	}
	if ms := r.Timeout.Milliseconds(); ms > 0 {
		text := strconv.FormatInt(min(ms, math.MaxInt32), 10)
		set = append([]sdk.Entry{{Key: numberKeys[callTimeout], Value: []byte(text)}}, set...)
	}
	var call []byte
	call = appendBytes(append(call, callService<<3|byte(wireBytes)), r.Service)
	call = appendBytes(append(call, callMethod<<3|byte(wireBytes)), r.Method)
	plain := appendBytes(append(appendHeader(nil), tagRequest), call)
	plain = wire.AppendUvarint(append(plain, tagID), r.ID)
	return c.build(dst, plain, payload, sdk.KindRequest, set)
}

// build appends a message with its payload and entries. plain is the message without.
func (c *Codec) build(dst, plain, payload []byte, kind sdk.Kind, set []sdk.Entry) ([]byte, error) {
	plain, err := finish(append(plain, payload...), 0, len(plain))
	if err != nil {
		return dst, err
	}
	m := &sdk.Message{Kind: kind, Bytes: plain}
	start := len(dst)
	if dst, err = c.encode(dst, m, &sdk.Mutation{Set: set}, true); err != nil {
		return dst, err
	}
	l, err := layoutOf(&sdk.Message{Bytes: dst[start:]})
	if n := l.attachment.int32(); err == nil && (n < 0 || int(n) > len(payload)) {
		err = sdk.Malformed(keyAttachment, -1, errAttachment)
	}
	if err != nil {
		return dst[:start], err
	}
	return dst, nil
}

// BuildResponse implements sdk.ResponseBuilder. A result is a message like an argument,
// but JSON only if the request tells its own content type: brpc-java does not, and reads
// nothing but Protocol Buffers. The type of an exception is an error code or its name; any other is EINTERNAL, what
// servers make of exceptions.
func (c *Codec) BuildResponse(dst []byte, req *sdk.Message, r sdk.Response) ([]byte, error) {
	if r.Exception != nil {
		text := r.Exception.Message
		if text == "" {
			text = r.Exception.Type
		}
		plain := appendResponse(appendHeader(nil), req.ID, codeNamed(r.Exception.Type), text)
		return c.build(dst, plain, nil, sdk.KindResponse, r.Metadata)
	}
	var payload []byte
	set := r.Metadata
	if r.Result != nil {
		l, err := layoutOf(req)
		if err != nil {
			return dst, err
		}
		text, content, err := encodeMessage(sdk.Argument{Value: r.Result}, l.content.number != 0)
		if err != nil {
			return dst, fmt.Errorf("result: %w", err)
		}
		if payload = text; content != contentProtobuf {
			set = contentEntry(content, set)
		}
	}
	return c.build(dst, appendResponse(appendHeader(nil), req.ID, 0, ""), payload, sdk.KindResponse, set)
}

// codeNamed is the error code that the type of an exception names.
func codeNamed(name string) int32 {
	for i := range statuses {
		if statuses[i].Name == name && statuses[i].Native != 0 {
			return int32(statuses[i].Native) //nolint:gosec // a small number
		}
	}
	if n, err := strconv.ParseInt(name, 10, 32); err == nil && n != 0 {
		return int32(n)
	}
	return codeEINTERNAL
}

// contentEntry puts the content type before the other entries, as C++ clients always
// tell it.
func contentEntry(content int, set []sdk.Entry) []sdk.Entry {
	return append([]sdk.Entry{{Key: contentKey, Value: contentNames[content]}}, set...)
}

// encodeMessage encodes a message, and tells its content type. Without names it cannot
// be JSON.
func encodeMessage(a sdk.Argument, names bool) (payload []byte, content int, err error) {
	if members, ok := membersOf(a.Value); ok && a.Type == "" {
		byName := func(e sdk.MapEntry) bool {
			_, err := strconv.Atoi(fmt.Sprint(e.Key))
			return err != nil
		}
		if names && slices.ContainsFunc(members, byName) {
			payload, err = json.Marshal(a.Value)
			return payload, contentJSON, err
		}
		payload, err = appendMessage([]byte{}, &typeExpr{name: "message"}, a.Value)
		return payload, contentProtobuf, err
	}
	var t typeExpr
	if a.Type == "" {
		t, err = guessType(1, a.Value)
	} else {
		t, err = parseType(a.Type, 1)
	}
	switch {
	case err != nil:
		return nil, 0, err
	case t.name == "message":
		payload, err = appendMessage([]byte{}, &t, a.Value)
	default:
		payload, err = appendField([]byte{}, &t, a.Value)
	}
	return payload, contentProtobuf, err
}
