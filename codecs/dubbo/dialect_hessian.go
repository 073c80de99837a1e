package dubbo

import (
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// hessianDialect is Hessian 2: the items of a body follow each other in one stream.
type hessianDialect struct{}

func (hessianDialect) null() string                  { return "N" }
func (hessianDialect) readOnly() string              { return "\x01R" }
func (hessianDialect) parseRequest(p *parser) error  { return p.hessianRequest() }
func (hessianDialect) throws() bool                  { return true }
func (hessianDialect) parseResponse(p *parser) error { return p.hessianResponse() }

func (hessianDialect) isNull(p *parser, at int) bool { return p.frame[at] == 'N' }

func (hessianDialect) appendString(dst []byte, s string) []byte { return hessian2.AppendText(dst, s) }

func (hessianDialect) appendValue(dst []byte, s string) []byte { return hessian2.AppendText(dst, s) }

func (hessianDialect) appendException(dst []byte, kind byte, class, message string) []byte {
	dst = hessian2.AppendInt(dst, int32(kind))
	dst = hessian2.AppendText(append(dst, 'C'), class)
	dst = hessian2.AppendInt(dst, 1)
	dst = hessian2.AppendText(dst, "detailMessage")
	return hessian2.AppendText(append(dst, 0x60), message)
}

func (hessianDialect) appendResult(dst []byte, kind byte, value any) ([]byte, error) {
	dst = hessian2.AppendInt(dst, int32(kind))
	if value == nil {
		return dst, nil
	}
	return hessian2.AppendValue(dst, "", value)
}

func (hessianDialect) appendAttachments(dst []byte, list []sdk.Entry) []byte {
	dst = append(dst, 'H')
	for _, e := range list {
		dst = hessian2.AppendText(hessian2.AppendText(dst, string(e.Key)), string(e.Value))
	}
	return append(dst, 'Z')
}

func (d hessianDialect) attach(e *editor) error {
	switch {
	case len(e.added) == 0:
	case e.form == mapAttachments:
		e.replace(e.mapEnd, e.mapEnd, e.appendAdded(nil))
	default:
		e.replace(e.mapFrom, e.mapTo, d.appendAttachments(nil, e.added))
	}
	e.settle()
	return nil
}

func (hessianDialect) viewArguments(p *parser, types []string) (arguments []sdk.Argument, err error) {
	r := hessian2.NewReader(p.frame)
	r.Reader.Skip(p.types.to)
	d := hessian2.NewDecoder(r)
	for _, t := range types {
		arguments = append(arguments, sdk.Argument{Type: t, Value: d.Value()})
	}
	return arguments, malformedAt("arguments", d.Offset(), d.Err())
}

func (hessianDialect) viewResult(p *parser) (any, error) {
	r := hessian2.NewReader(p.frame)
	r.Reader.Skip(p.result.to)
	d := hessian2.NewDecoder(r)
	result := d.Value()
	return result, malformedAt("result", d.Offset(), d.Err())
}

func (hessianDialect) appendArgument(p *parser, dst []byte, steps []sdk.Step) (value []byte, found bool, err error) {
	n, err := p.hessianCall()
	if err != nil {
		return dst, false, err
	}
	at, steps, ok := p.argumentAt(n, steps)
	if !ok {
		return dst, false, nil
	}
	f := hessian2.NewFinder(&p.hess)
	for ; at > 0; at-- {
		f.Skip()
	}
	if found = f.Find(steps); found {
		value = f.AppendScalar(dst)
	}
	p.hess = f.Reader // with what memory it has got
	if err := p.malformed("arguments"); err != nil {
		return dst, false, err
	}
	if !found {
		value = dst
	}
	return value, found, nil
}
