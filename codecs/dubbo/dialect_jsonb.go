package dubbo

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// jsonbDialect is fastjson2's JSONB: each item of a body has its length in front.
type jsonbDialect struct{}

func (jsonbDialect) null() string                  { return "\x00\x00\x00\x01\xaf" }
func (jsonbDialect) readOnly() string              { return "\x00\x00\x00\x02\x4aR" }
func (jsonbDialect) parseRequest(p *parser) error  { return p.jsonbRequest() }
func (jsonbDialect) throws() bool                  { return true }
func (jsonbDialect) parseResponse(p *parser) error { return p.jsonbResponse() }

func (jsonbDialect) isNull(p *parser, at int) bool { return p.frame[at] == jsonb.Null }

func (jsonbDialect) appendString(dst []byte, s string) []byte {
	return appendChunk(dst, jsonb.AppendText(nil, s))
}

func (jsonbDialect) appendValue(dst []byte, s string) []byte { return jsonb.AppendText(dst, s) }

func appendChunk(dst, chunk []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(chunk))) //nolint:gosec // finish checks the whole
	return append(dst, chunk...)
}

func (jsonbDialect) appendException(dst []byte, kind byte, class, message string) []byte {
	dst = appendChunk(dst, jsonb.AppendByte(nil, kind))
	body := jsonb.AppendText([]byte{jsonb.TypedObject}, class)
	body = append(jsonb.AppendInt(body, 0), jsonb.Object) // the class is symbol 0
	body = jsonb.AppendText(jsonb.AppendText(body, "message"), message)
	return appendChunk(dst, append(body, jsonb.ObjectEnd))
}

func (jsonbDialect) appendResult(dst []byte, kind byte, value any) ([]byte, error) {
	dst = appendChunk(dst, jsonb.AppendByte(nil, kind))
	if value == nil {
		return dst, nil
	}
	chunk, err := jsonb.AppendValue(nil, value)
	return appendChunk(dst, chunk), err
}

func (jsonbDialect) appendAttachments(dst []byte, list []sdk.Entry) []byte {
	return appendChunk(dst, jsonbObject(list))
}

func jsonbObject(list []sdk.Entry) []byte {
	m := []byte{jsonb.Object}
	for _, e := range list {
		m = jsonb.AppendText(jsonb.AppendText(m, string(e.Key)), string(e.Value))
	}
	return append(m, jsonb.ObjectEnd)
}

// attach also corrects the length in front of the attachments.
func (d jsonbDialect) attach(e *editor) error {
	switch {
	case len(e.added) == 0:
	case e.form == mapAttachments:
		e.replace(e.mapEnd, e.mapEnd, e.appendAdded(nil))
	case e.form == noAttachments:
		e.replace(e.mapFrom, e.mapTo, d.appendAttachments(nil, e.added))
	default:
		e.replace(e.mapFrom, e.mapTo, jsonbObject(e.added))
	}
	e.settle()
	if e.form == noAttachments {
		return nil
	}
	at, delta := len(e.splices), 0
	for i, s := range slices.Backward(e.splices) {
		if s.from < e.mapFrom {
			break
		}
		at = i
		delta += len(s.text) - (s.to - s.from)
	}
	n := int(binary.BigEndian.Uint32(e.frame[e.chunk:])) + delta
	if n < 0 || n > 1<<31-1 {
		return sdk.Unsupported("attachments", fmt.Errorf("%d bytes do not fit", n))
	}
	length := splice{e.chunk, e.chunk + 4, binary.BigEndian.AppendUint32(nil, uint32(n))}
	e.splices = slices.Insert(e.splices, at, length)
	return nil
}

func (jsonbDialect) viewArguments(p *parser, types []string) (arguments []sdk.Argument, err error) {
	r := wire.NewReader(p.frame)
	r.Skip(p.types.to)
	for _, t := range types {
		c := jsonb.NewReader(r.Bytes64(uint64(r.Uint32())))
		arguments = append(arguments, sdk.Argument{Type: t, Value: c.Value()})
		if c.Err() != nil {
			return arguments, malformedAt("arguments", r.Offset(), c.Err())
		}
	}
	return arguments, malformedAt("arguments", r.Offset(), r.Err())
}

func (jsonbDialect) viewResult(p *parser) (any, error) {
	r := wire.NewReader(p.frame)
	r.Skip(p.result.to)
	c := jsonb.NewReader(r.Bytes64(uint64(r.Uint32())))
	result := c.Value()
	return result, malformedAt("result", p.result.to, c.Err())
}

func (jsonbDialect) appendArgument(p *parser, dst []byte, steps []sdk.Step) (value []byte, found bool, err error) {
	r := wire.NewReader(p.frame)
	n, err := p.jsonbCall(&r)
	if err != nil {
		return dst, false, err
	}
	at, steps, ok := p.argumentAt(n, steps)
	if !ok {
		return dst, false, nil
	}
	for ; at > 0; at-- {
		r.Bytes64(uint64(r.Uint32()))
	}
	chunk := r.Bytes64(uint64(r.Uint32()))
	if r.Err() != nil {
		return dst, false, sdk.Malformed("arguments", r.Offset(), r.Err())
	}
	f := jsonb.NewFinder(chunk)
	if value = dst; f.Find(steps) {
		value, found = f.AppendScalar(dst), true
	}
	if f.Err() != nil {
		return dst, false, sdk.Malformed("arguments", r.Offset()-len(chunk)+f.Offset(), f.Err())
	}
	return value, found, nil
}
