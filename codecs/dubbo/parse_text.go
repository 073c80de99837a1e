package dubbo

import (
	"errors"
	"strconv"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsontext"
	"github.com/meltemi-mesh/meltemi/sdk"
)

var errFastjsonName = errors.New("it means something else to fastjson")

// textRequest reads the body of a request in fastjson: Hessian's items, a line each.
func (p *parser) textRequest() error {
	lines := jsontext.NewLines(p.frame, headerSize)
	n, err := p.textCall(&lines)
	if err != nil {
		return err
	}
	for ; n > 0; n-- {
		if from, to, ok := lines.Next(); !ok || from == to {
			return sdk.Malformed("arguments", from, jsontext.ErrEnd)
		}
	}
	return p.textAttachments(&lines)
}

// textCall reads what stands before the arguments, and of a generic call the first one.
// n is how many follow.
func (p *parser) textCall(lines *jsontext.Lines) (n int, err error) {
	for _, it := range []*item{&p.dubboVersion, &p.service, &p.version, &p.method, &p.types} {
		if err := p.textItem(lines, it, "invocation"); err != nil {
			return 0, err
		}
	}
	n, ok := countTypes(p.types.text)
	if !ok {
		return 0, sdk.Malformed("parameter types", p.types.from, errTypes)
	}
	p.argumentsAt = lines.Offset()
	p.generic = isGeneric(p.method.text, n)
	if p.generic {
		if err := p.textItem(lines, &p.target, "first argument"); err != nil {
			return 0, err
		}
		n--
	}
	return n, nil
}

// textItem reads a line that is a string or null. The item is the line with its end.
func (p *parser) textItem(lines *jsontext.Lines, it *item, element string) error {
	from, to, ok := lines.Next()
	if !ok {
		return sdk.Malformed(element, from, jsontext.ErrEnd)
	}
	it.from, it.to = from, lines.Offset()
	text, ok, err := jsontext.Text(p.frame[from:to], p.m)
	it.text, it.null = text, !ok
	return malformedAt(element, from, err)
}

// textAttachments reads the attachments, which end the body.
func (p *parser) textAttachments(lines *jsontext.Lines) error {
	from, to, ok := lines.Next()
	p.mapFrom, p.mapTo, p.mapEnd = from, to, from
	if !ok {
		return nil
	}
	line := p.frame[from:to]
	if string(line) == "null" {
		p.form = nullAttachments
		return nil
	}
	p.form = mapAttachments
	end, err := jsontext.Members(line, p.m, func(m jsontext.Member) error {
		if len(m.Name) > 0 && (m.Name[0] == '$' || m.Name[0] == '@') {
			return errFastjsonName
		}
		p.attachments = append(p.attachments, attachment{
			key: m.Name, from: from + m.From, valueAt: from + m.ValueAt, to: from + m.To,
			text: m.Text, scalar: m.Scalar, isString: m.IsString,
		})
		return nil
	})
	p.mapEnd = from + end
	return malformedAt("attachments", from+end, err)
}

// textResponse reads the body of a response in fastjson.
func (p *parser) textResponse() error {
	lines := jsontext.NewLines(p.frame, headerSize)
	if p.frame[statusAt] != statusOK {
		return p.textItem(&lines, &p.result, "error text")
	}
	from, to, ok := lines.Next()
	if !ok || to != from+1 || p.frame[from] < '0'+withException || p.frame[from] > '0'+nullAndAttachments {
		return sdk.Malformed("type of result", from, errResultType)
	}
	p.result.from, p.result.to = from, to
	p.kind = int(p.frame[from] - '0')
	if p.kind != nullValue && p.kind != nullAndAttachments {
		if from, to, ok = lines.Next(); !ok {
			return sdk.Malformed("result", from, jsontext.ErrEnd)
		}
		if p.kind == withException || p.kind == exceptionAndAttachments {
			p.textException(p.frame[from:to])
		}
	}
	if p.kind >= exceptionAndAttachments {
		return p.textAttachments(&lines)
	}
	p.mapFrom, p.mapTo = lines.Offset(), lines.Offset()
	return nil
}

// textException reads class and message of an exception. What it cannot read it leaves
// out: the exception itself goes on as it is.
func (p *parser) textException(line []byte) {
	e := &p.exception
	_, _ = jsontext.Members(line, p.m, func(m jsontext.Member) error {
		switch {
		case string(m.Name) == "@type":
			e.class = m.Text
		case string(m.Name) == "message":
			e.message = m.Text
		case string(m.Name) == "code" && isRPCException(e.class):
			if code, err := strconv.Atoi(string(m.Text)); err == nil {
				e.code = code
			}
		}
		return nil
	})
}
