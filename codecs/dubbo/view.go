package dubbo

import (
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
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
	if p.dialect == nil {
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
	var err error
	v.Arguments, err = p.dialect.viewArguments(p, splitTypes(string(p.types.text)))
	return err
}

func (p *parser) viewResponse(m *sdk.Message, v *sdk.View) (err error) {
	if m.Bytes[statusAt] != statusOK {
		return nil
	}
	if err := p.parseResponse(); err != nil {
		return err
	}
	switch p.kind {
	case withValue, valueAndAttachments:
		v.Result, err = p.dialect.viewResult(p)
	case withException, exceptionAndAttachments:
		v.Exception = &sdk.Exception{Type: string(p.exception.class), Message: string(p.exception.message)}
	}
	return err
}

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
