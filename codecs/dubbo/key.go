package dubbo

import (
	"bytes"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// callbackPrefix begins the attachments that stand for arguments which the provider calls
// back. Source: Apache Dubbo, CallbackServiceCodec.
const callbackPrefix = "sys_callback_arg-"

var errCallback = errors.New("it belongs to the connection of one consumer")

// KeyEntries implements sdk.Keyer. A provider finds its service by version and group, and
// answers a generic call in the form that generic names.
// Source: Apache Dubbo, GenericFilter.
func (*Codec) KeyEntries() []string { return []string{keyVersion, keyGroup, "generic"} }

// AppendKey implements sdk.Keyer. A provider answers in the serialization of the request,
// with attachments if the Dubbo version of the consumer reads them, and picks the method by
// the parameter types too. Attachments that are no strings count byte for byte: an entry
// shows a number or a truth as text, and a list not at all, but to a provider the number 1
// is not the text (Apache Dubbo, RpcInvocation.getAttachment). The arguments mean the same wherever they come: in front of them
// stand strings alone, which Hessian counts no references for, and fastjson2 has its
// symbols inside each item.
func (*Codec) AppendKey(dst []byte, m *sdk.Message) ([]byte, error) {
	p := newParser(m)
	defer p.release()
	if err := p.parseRequest(); err != nil {
		return dst, err
	}
	for i := range p.attachments {
		if bytes.HasPrefix(p.attachments[i].key, []byte(callbackPrefix)) {
			return dst, sdk.Unsupported("attachment "+string(p.attachments[i].key), errCallback)
		}
	}
	from, to := p.arguments()
	arguments := p.frame[from:to]
	if p.serial == serialFastjson {
		arguments = bytes.TrimRight(arguments, "\r\n") // the last line may have no end
	}
	dst = append(dst, p.serial)
	dst = appendPart(dst, p.dubboVersion.text)
	dst = appendPart(dst, p.types.text)
	if p.generic {
		dst = appendPart(append(dst, 1), p.method.text)
	} else {
		dst = append(dst, 0)
	}
	return append(p.appendNoStrings(dst), arguments...), nil
}

// appendNoStrings appends the attachments that are no strings, as they are written. What is
// composed may refer to anything before it, so with one of these all attachments count. The
// proxy changes the timeout, and no answer depends on it.
func (p *parser) appendNoStrings(dst []byte) []byte {
	var plain []byte
	for i := range p.attachments {
		a := &p.attachments[i]
		switch {
		case a.isString, a.scalar && string(a.key) == keyTimeout:
		case a.scalar, p.dialect.isNull(p, a.valueAt):
			plain = appendPart(appendPart(plain, a.key), p.frame[a.valueAt:a.to])
		default:
			return appendPart(append(dst, 1), p.frame[p.mapFrom:p.mapTo])
		}
	}
	return appendPart(append(dst, 0), plain)
}

// arguments is where the arguments stand, without a generic call's method.
func (p *parser) arguments() (from, to int) {
	from, to = p.types.to, p.mapFrom
	if p.generic {
		from = p.target.to
	}
	if p.serial == serialFastjson2 {
		to = p.chunk
	}
	return from, to
}

// appendPart appends text with its length in front.
func appendPart(dst, text []byte) []byte {
	return append(wire.AppendUvarint(dst, uint64(len(text))), text...)
}
