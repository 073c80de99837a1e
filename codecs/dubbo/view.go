package dubbo

import (
	"strconv"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// serialNames are the names of serializations. Source: Apache Dubbo,
// serialize.Constants.
var serialNames = map[byte]string{
	2: "hessian2", 3: "java", 4: "compactedjava", 6: "fastjson", 7: "nativejava", 8: "kryo", 9: "fst",
	10: "native-hessian", 11: "avro", 12: "protostuff", 16: "gson", 18: "jackson", 21: "protobuf-json",
	22: "protobuf", 23: "fastjson2", 25: "kryo2", 27: "msgpack", 28: "fury",
}

// View implements sdk.Viewer.
func (*Codec) View(m *sdk.Message) (sdk.View, error) {
	p := newParser(m)
	defer p.release()
	serial := strconv.Itoa(int(p.serial))
	if name := serialNames[p.serial]; name != "" {
		serial = name + " (" + serial + ")"
	}
	v := sdk.View{Fields: []sdk.Entry{{Key: []byte("serialization"), Value: []byte(serial)}}}
	if p.serial != serialHessian2 && p.serial != serialFastjson2 {
		return v, unknownSerialization(p.serial)
	}
	if m.Kind == sdk.KindResponse {
		return v, p.viewResponse(m, &v)
	}
	return v, p.viewRequest(&v)
}

func (p *parser) viewRequest(v *sdk.View) error {
	if err := p.parseRequest(); err != nil {
		return err
	}
	v.Fields = append(v.Fields, sdk.Entry{Key: []byte("dubbo version"), Value: append([]byte(nil), p.dubboVersion.text...)})
	types := splitTypes(string(p.types.text))
	if p.serial == serialHessian2 {
		r := hessian2.NewReader(p.frame)
		r.Reader.Skip(p.types.to)
		d := hessian2.NewDecoder(r)
		for _, t := range types {
			v.Arguments = append(v.Arguments, sdk.Argument{Type: t, Value: d.Value()})
		}
		return malformedAt("arguments", d.Offset(), d.Err())
	}
	r := wire.NewReader(p.frame)
	r.Skip(p.types.to)
	for _, t := range types {
		c := jsonb.NewReader(r.Bytes64(uint64(r.Uint32())))
		v.Arguments = append(v.Arguments, sdk.Argument{Type: t, Value: c.Value()})
		if c.Err() != nil {
			return malformedAt("arguments", r.Offset(), c.Err())
		}
	}
	return malformedAt("arguments", r.Offset(), r.Err())
}

func (p *parser) viewResponse(m *sdk.Message, v *sdk.View) error {
	if m.Bytes[statusAt] != statusOK {
		return nil
	}
	if p.serial == serialHessian2 {
		if err := p.hessianResponse(); err != nil {
			return err
		}
		if p.isValue() {
			r := hessian2.NewReader(p.frame)
			r.Reader.Skip(p.result.to)
			d := hessian2.NewDecoder(r)
			v.Result = d.Value()
			return malformedAt("result", d.Offset(), d.Err())
		}
	} else {
		if err := p.jsonbResponse(); err != nil {
			return err
		}
		if p.isValue() {
			r := wire.NewReader(p.frame)
			r.Skip(p.result.to)
			c := jsonb.NewReader(r.Bytes64(uint64(r.Uint32())))
			v.Result = c.Value()
			return malformedAt("result", p.result.to, c.Err())
		}
	}
	if p.kind == withException || p.kind == exceptionAndAttachments {
		v.Exception = &sdk.Exception{Type: string(p.exception.class), Message: string(p.exception.message)}
	}
	return nil
}

func (p *parser) isValue() bool { return p.kind == withValue || p.kind == valueAndAttachments }

func malformedAt(element string, offset int, err error) error {
	if err == nil {
		return nil
	}
	return sdk.Malformed(element, offset, err)
}

// splitTypes splits a row of JVM descriptors, which countTypes has accepted.
func splitTypes(s string) (types []string) {
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '[':
			continue
		case 'L':
			for s[i] != ';' {
				i++
			}
		}
		types = append(types, s[start:i+1])
		start = i + 1
	}
	return types
}
