package dubbo

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsontext"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// textDialect is fastjson: each item of a body is JSON text on a line of its own.
// Source: Apache Dubbo 2.7, FastJsonObjectOutput.
type textDialect struct{}

func (textDialect) null() string                  { return "null\n" }
func (textDialect) readOnly() string              { return "\"R\"\n" }
func (textDialect) parseRequest(p *parser) error  { return p.textRequest() }
func (textDialect) parseResponse(p *parser) error { return p.textResponse() }

func (textDialect) isNull(p *parser, at int) bool { return p.frame[at] == 'n' }

func (textDialect) appendString(dst []byte, s string) []byte {
	return append(jsontext.AppendText(dst, s), '\n')
}

func (textDialect) appendValue(dst []byte, s string) []byte { return jsontext.AppendText(dst, s) }

// throws says no: the consumer's FastJsonObjectInput makes a map of an exception, and
// the call fails as a response that cannot be read (seen with Apache Dubbo 2.7.23, whose
// own providers fare no better).
func (textDialect) throws() bool { return false }

// appendException writes what providers do.
func (textDialect) appendException(dst []byte, kind byte, class, message string) []byte {
	dst = append(strconv.AppendUint(dst, uint64(kind), 10), '\n')
	dst = jsontext.AppendText(append(dst, `{"@type":`...), class)
	dst = jsontext.AppendText(append(dst, `,"message":`...), message)
	return append(dst, "}\n"...)
}

func (textDialect) appendResult(dst []byte, kind byte, value any) ([]byte, error) {
	dst = append(strconv.AppendUint(dst, uint64(kind), 10), '\n')
	if value == nil {
		return dst, nil
	}
	dst, err := jsontext.AppendValue(dst, value)
	return append(dst, '\n'), err
}

func (textDialect) appendAttachments(dst []byte, list []sdk.Entry) []byte {
	members := make([][]byte, 0, len(list))
	for _, e := range list {
		members = append(members, textMember(e))
	}
	return append(appendObject(dst, members), '\n')
}

func textMember(e sdk.Entry) []byte {
	return jsontext.AppendText(append(jsontext.AppendText(nil, string(e.Key)), ':'), string(e.Value))
}

func appendObject(dst []byte, members [][]byte) []byte {
	return append(append(append(dst, '{'), bytes.Join(members, []byte(","))...), '}')
}

// attach writes the attachments anew, since commas stand between them: those that stay
// keep their bytes.
func (d textDialect) attach(e *editor) error {
	e.settle()
	if e.form == noAttachments {
		if len(e.added) > 0 {
			var text []byte
			if last := e.frame[e.mapFrom-1]; last != '\n' && last != '\r' {
				text = append(text, '\n') // readers let the last line go without its end
			}
			e.replace(e.mapFrom, e.mapTo, d.appendAttachments(text, e.added))
		}
		return nil
	}
	first := slices.IndexFunc(e.splices, func(s splice) bool { return s.from >= e.mapFrom })
	if first < 0 {
		first = len(e.splices)
	}
	changes := e.splices[first:]
	if len(changes)+len(e.added) == 0 {
		return nil
	}
	var members [][]byte
	for i := range e.attachments {
		a := &e.attachments[i]
		member := e.frame[a.from:a.to]
		for _, s := range changes {
			switch s.from {
			case a.from:
				member = nil // it goes
			case a.valueAt:
				member = append(bytes.Clone(e.frame[a.from:a.valueAt]), s.text...)
			}
		}
		if member != nil {
			members = append(members, member)
		}
	}
	for _, entry := range e.added {
		members = append(members, textMember(entry))
	}
	e.splices = append(e.splices[:first], splice{e.mapFrom, e.mapTo, appendObject(nil, members)})
	return nil
}

func (textDialect) viewArguments(p *parser, types []string) (arguments []sdk.Argument, err error) {
	lines := jsontext.NewLines(p.frame, p.argumentsAt)
	for _, t := range types {
		from, to, _ := lines.Next() // parseRequest has counted them
		value, err := decodeJSON(p.frame[from:to])
		if err != nil {
			return arguments, sdk.Malformed("arguments", from, err)
		}
		arguments = append(arguments, sdk.Argument{Type: t, Value: value})
	}
	return arguments, nil
}

func (textDialect) viewResult(p *parser) (any, error) {
	lines := jsontext.NewLines(p.frame, headerSize)
	lines.Next() // the type
	from, to, _ := lines.Next()
	value, err := decodeJSON(p.frame[from:to])
	return value, malformedAt("result", from, err)
}

func decodeJSON(line []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func (textDialect) appendArgument(p *parser, dst []byte, steps []sdk.Step) (value []byte, found bool, err error) {
	lines := jsontext.NewLines(p.frame, headerSize)
	n, err := p.textCall(&lines)
	if err != nil {
		return dst, false, err
	}
	at, steps, ok := p.argumentAt(n, steps)
	if !ok {
		return dst, false, nil
	}
	for ; at > 0; at-- {
		lines.Next()
	}
	from, to, ok := lines.Next()
	if !ok {
		return dst, false, sdk.Malformed("arguments", from, jsontext.ErrEnd)
	}
	value, found, at, err = jsontext.Find(dst, p.frame[from:to], steps)
	return value, found, malformedAt("arguments", from+at, err)
}
