package thrift

import "github.com/meltemi-mesh/meltemi/sdk"

// Reply implements sdk.Codec: a message of type EXCEPTION in the transport and the
// protocol of the call, with its ids and its method. The type says what failed; that
// a call was refused stands in the text alone, since no type is for that.
func (*Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	form := formOf(call.Token)
	start := len(dst)
	dst = form.begin(dst, call.ID, nil)
	dst = appendEnvelope(dst, form.protocol, typeException, nameOf(call, form.protocol), form.seqOf(call.ID))
	dst = appendException(dst, form.protocol, typeOf(f.Cause, form), f.Text())
	return form.finish(dst, start)
}

// unread is the name in the answer to a call whose own was not read, where a protocol
// cannot do without one.
const unread = "unread"

func nameOf(call sdk.Call, p protocol) string {
	if p == lax && !isLaxName(string(call.Method)) {
		return unread
	}
	return string(call.Method)
}

// seqOf is the sequence id in the envelope of a message with that id.
func (f form) seqOf(id uint64) uint32 {
	if f.transport.headers() {
		return f.seq
	}
	return uint32(id & 0xffffffff)
}

// appendException appends the struct of a message of type EXCEPTION.
func appendException(dst []byte, p protocol, kind int32, text string) []byte {
	w := valueWriter{b: dst, protocol: p}
	w.field(tString, 1, 0)
	w.text(text)
	w.field(tI32, 2, 1)
	w.integer(tI32, int64(kind))
	w.stop()
	return w.b
}
