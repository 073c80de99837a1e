package dubbo

import (
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// jsonbRequest reads the body of a request in fastjson2: each item of Hessian's is
// a chunk of its own, with its length in front.
// Source: Apache Dubbo, FastJson2ObjectOutput.
func (p *parser) jsonbRequest() error {
	r := wire.NewReader(p.frame)
	n, err := p.jsonbCall(&r)
	if err != nil {
		return err
	}
	for ; n > 0; n-- {
		r.Bytes64(uint64(r.Uint32()))
	}
	if r.Err() != nil {
		return sdk.Malformed("arguments", r.Offset(), r.Err())
	}
	return p.jsonbAttachments(&r)
}

// jsonbCall reads what stands before the arguments, and of a generic call the first
// one. n is how many follow.
func (p *parser) jsonbCall(r *wire.Reader) (n int, err error) {
	r.Skip(headerSize)
	items := []*item{&p.dubboVersion, &p.service, &p.version, &p.method, &p.types}
	for _, it := range items {
		if err := p.jsonbText(r, it); err != nil {
			return 0, err
		}
	}
	n, ok := countTypes(p.types.text)
	if !ok {
		return 0, sdk.Malformed("parameter types", p.types.from, errTypes)
	}
	p.generic = isGeneric(p.method.text, n)
	if p.generic {
		if err := p.jsonbText(r, &p.target); err != nil {
			return 0, err
		}
		n--
	}
	return n, nil
}

// jsonbText reads a chunk that holds text or null. The item is the whole chunk.
func (p *parser) jsonbText(r *wire.Reader, it *item) error {
	it.from = r.Offset()
	chunk := r.Bytes64(uint64(r.Uint32()))
	it.to = r.Offset()
	if r.Err() != nil {
		return sdk.Malformed("invocation", r.Offset(), r.Err())
	}
	c := &p.json
	*c = jsonb.NewReader(chunk)
	text, ok := c.Text(p.m)
	it.text, it.null = text, !ok
	if c.Err() != nil {
		return sdk.Malformed("invocation", it.from+4+c.Offset(), c.Err())
	}
	return nil
}

// jsonbAttachments reads the attachments, which end the body.
func (p *parser) jsonbAttachments(r *wire.Reader) error {
	p.chunk = r.Offset()
	p.mapFrom, p.mapTo, p.mapEnd = p.chunk, p.chunk, p.chunk
	if r.Len() == 0 {
		return nil
	}
	chunk := r.Bytes64(uint64(r.Uint32()))
	if r.Err() != nil {
		return sdk.Malformed("attachments", r.Offset(), r.Err())
	}
	base := p.chunk + 4
	p.mapFrom, p.mapTo = base, r.Offset()
	c := &p.json
	*c = jsonb.NewReader(chunk)
	if c.Null() {
		p.form = nullAttachments
		return nil
	}
	if !c.BeginObject() {
		return sdk.Malformed("attachments", base, errAttachments)
	}
	p.form = mapAttachments
	for c.Err() == nil && !c.End() {
		a := attachment{from: base + c.Offset()}
		a.key = c.Key(p.m)
		a.valueAt = base + c.Offset()
		a.isString = c.IsText()
		at := c.Offset()
		if a.text, a.scalar = c.Scalar(p.m); !a.scalar && c.Offset() == at {
			c.Skip()
		}
		a.to = base + c.Offset()
		if a.key != nil {
			p.attachments = append(p.attachments, a)
		} else {
			p.noteOddKey(a.from)
		}
	}
	if c.Err() != nil {
		return sdk.Malformed("attachments", base+c.Offset(), c.Err())
	}
	p.mapEnd = base + c.Offset() - 1
	return nil
}

// jsonbResponse reads the body of a response in fastjson2.
func (p *parser) jsonbResponse() error {
	r := wire.NewReader(p.frame)
	r.Skip(headerSize)
	if p.frame[statusAt] != statusOK {
		return p.jsonbText(&r, &p.result)
	}
	p.result.from = r.Offset()
	c := &p.json
	*c = jsonb.NewReader(r.Bytes64(uint64(r.Uint32())))
	p.kind = c.Length()
	p.result.to = r.Offset()
	if r.Err() != nil || c.Err() != nil {
		return sdk.Malformed("type of result", p.result.from, errResultType)
	}
	switch p.kind {
	case withException, exceptionAndAttachments:
		p.jsonbException(r.Bytes64(uint64(r.Uint32())))
	case withValue, valueAndAttachments:
		r.Bytes64(uint64(r.Uint32()))
	case nullValue, nullAndAttachments:
	default:
		return sdk.Malformed("type of result", p.result.from, errResultType)
	}
	if r.Err() != nil {
		return sdk.Malformed("result", r.Offset(), r.Err())
	}
	if p.kind >= exceptionAndAttachments {
		return p.jsonbAttachments(&r)
	}
	p.chunk = r.Offset()
	p.mapFrom, p.mapTo = p.chunk, p.chunk
	return nil
}

// jsonbException reads class and message of an exception. What it cannot read it
// leaves out: the exception itself goes on as it is.
func (p *parser) jsonbException(chunk []byte) {
	r := &p.json
	*r = jsonb.NewReader(chunk)
	e := &p.exception
	class, ok := r.TypeName(p.m)
	if !ok {
		return
	}
	e.class = class
	if !r.BeginObject() {
		return
	}
	for r.Err() == nil && !r.End() {
		switch key := r.Key(p.m); {
		case r.IsText() && (string(key) == "message" || string(key) == "detailMessage"):
			e.message, _ = r.Text(p.m)
		case r.IsInt() && string(key) == "code" && isRPCException(e.class):
			e.code = r.Length()
		default:
			r.Skip()
		}
	}
}
