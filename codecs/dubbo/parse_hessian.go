package dubbo

import (
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
)

var (
	errTypes       = errors.New("malformed parameter types")
	errResultType  = errors.New("unknown type of result")
	errAttachments = errors.New("attachments are not a map")
)

// hessianRequest reads the body of a request in Hessian 2.
// Source: Apache Dubbo, DubboCodec.encodeRequestData.
func (p *parser) hessianRequest() error {
	n, err := p.hessianCall()
	if err != nil {
		return err
	}
	r := &p.hess
	for ; n > 0 && r.Err() == nil; n-- {
		r.Skip()
	}
	if r.Err() != nil {
		return p.malformed("arguments")
	}
	return p.hessianAttachments()
}

// hessianCall reads what stands before the arguments, and of a generic call the first
// one. n is how many follow.
func (p *parser) hessianCall() (n int, err error) {
	r := &p.hess
	r.Reset(p.frame)
	r.Reader.Skip(headerSize)
	p.hessianText(&p.dubboVersion)
	p.hessianText(&p.service)
	p.hessianText(&p.version)
	p.hessianText(&p.method)
	p.hessianText(&p.types)
	if r.Err() != nil {
		return 0, p.malformed("invocation")
	}
	n, ok := countTypes(p.types.text)
	if !ok {
		return 0, sdk.Malformed("parameter types", p.types.from, errTypes)
	}
	p.generic = isGeneric(p.method.text, n)
	if p.generic {
		p.hessianText(&p.target)
		n--
	}
	return n, p.malformed("arguments")
}

// hessianText reads a string or null.
func (p *parser) hessianText(it *item) {
	it.from = p.hess.Offset()
	text, ok := p.hess.Text(p.m)
	it.text, it.null = text, !ok
	it.to = p.hess.Offset()
}

// hessianAttachments reads the attachments, which end the body.
func (p *parser) hessianAttachments() error {
	r := &p.hess
	p.mapFrom = r.Offset()
	p.mapTo, p.mapEnd = p.mapFrom, p.mapFrom
	if r.Len() == 0 {
		return nil
	}
	switch r.Tag() {
	case 'N':
		r.Uint8()
		p.form = nullAttachments
		p.mapTo = r.Offset()
		return nil
	case 'Q':
		r.Skip()
		p.form = refAttachments
	case 'H', 'M':
		p.form = mapAttachments
		r.BeginMap()
		for p.plainAttachments(); r.Err() == nil && !r.End(); p.plainAttachments() {
			p.hessianAttachment()
		}
		p.mapEnd = r.Offset() - 1
	default:
		return sdk.Malformed("attachments", r.Offset(), errAttachments)
	}
	p.mapTo = r.Offset()
	if r.Err() != nil {
		return p.malformed("attachments")
	}
	return nil
}

// plainAttachments reads attachments as long as they are plain strings, as most are.
func (p *parser) plainAttachments() {
	r := &p.hess
	for {
		from := r.Offset()
		key, value, valueAt, ok := r.PlainPair()
		if !ok {
			return
		}
		a := p.attach()
		a.key, a.text, a.scalar, a.isString = key, value, true, true
		a.from, a.valueAt, a.to = from, valueAt, r.Offset()
	}
}

// hessianAttachment reads an attachment of any kind.
func (p *parser) hessianAttachment() {
	r := &p.hess
	from := r.Offset()
	key, keyIsText := r.IfText(p.m)
	if !keyIsText {
		p.noteOddKey(from)
		r.Skip()
	}
	valueAt := r.Offset()
	isString := r.IsText()
	text, scalar := r.Scalar(p.m)
	if !scalar && r.Offset() == valueAt {
		r.Skip()
	}
	if keyIsText {
		a := p.attach()
		*a = attachment{key: key, from: from, valueAt: valueAt, to: r.Offset(), text: text, scalar: scalar, isString: isString}
	}
}

// hessianResponse reads the body of a response in Hessian 2.
// Source: Apache Dubbo, DubboCodec.encodeResponseData.
func (p *parser) hessianResponse() error {
	r := &p.hess
	r.Reset(p.frame)
	r.Reader.Skip(headerSize)
	if p.frame[statusAt] != statusOK {
		p.hessianText(&p.result)
		return p.malformed("error text")
	}
	p.result.from = r.Offset()
	p.kind = r.Int()
	p.result.to = r.Offset()
	if r.Err() != nil {
		return p.malformed("type of result")
	}
	switch p.kind {
	case withException, exceptionAndAttachments:
		p.hessianException()
	case withValue, valueAndAttachments:
		r.Skip()
	case nullValue, nullAndAttachments:
	default:
		return sdk.Malformed("type of result", p.result.from, errResultType)
	}
	if r.Err() != nil {
		return p.malformed("result")
	}
	if p.kind >= exceptionAndAttachments {
		return p.hessianAttachments()
	}
	p.mapFrom, p.mapTo = r.Offset(), r.Offset()
	return nil
}

// hessianException reads class, message and code of an exception.
func (p *parser) hessianException() {
	e := &p.exception
	p.hess.Object(func(class []byte) { e.class = class }, func(field []byte) bool {
		switch string(field) {
		case "detailMessage":
			if p.hess.IsText() {
				e.message, _ = p.hess.Text(p.m)
				return true
			}
		case "code":
			if p.hess.IsInt() && isRPCException(e.class) {
				e.code = p.hess.Int()
				return true
			}
		}
		return false
	})
}

func (p *parser) malformed(element string) error {
	if err := p.hess.Err(); err != nil {
		return sdk.Malformed(element, p.hess.Offset(), err)
	}
	return nil
}

// countTypes counts the parameters in a row of JVM descriptors, such as
// "Ljava/lang/String;[I".
func countTypes(types []byte) (n int, ok bool) {
	for i := 0; i < len(types); i++ {
		switch types[i] {
		case '[':
			if i+1 == len(types) {
				return 0, false
			}
			continue
		case 'L':
			for i++; i < len(types) && types[i] != ';'; i++ {
			}
			if i == len(types) {
				return 0, false
			}
		case 'V', 'Z', 'B', 'C', 'D', 'F', 'I', 'J', 'S':
		default:
			return 0, false
		}
		n++
	}
	return n, true
}

// isGeneric reports whether a call names its method in its first argument. Providers
// up to 2.6 look at the number of arguments and not at their types.
// Source: Apache Dubbo, GenericFilter.invoke.
func isGeneric(method []byte, arguments int) bool {
	return arguments == 3 && (string(method) == "$invoke" || string(method) == "$invokeAsync")
}
