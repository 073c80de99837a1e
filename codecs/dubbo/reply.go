package dubbo

import (
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// refusalClass is an exception that every peer knows. Consumers retry statuses by
// themselves, but not exceptions that a provider threw.
const refusalClass = "java.lang.RuntimeException"

// dubboVersion is what responses with attachments name as Dubbo's version.
const dubboVersion = "2.0.2"

// Reply implements sdk.Codec: a failure is a status, a refusal an exception.
func (c *Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	serial := byte(call.Token & maskSerial)
	if serial != serialHessian2 && serial != serialFastjson2 {
		// Its text would have to be in a serialization that is not known.
		return dst, unknownSerialization(serial)
	}
	start := len(dst)
	if f.Cause.Refusal() {
		dst = appendHeader(dst, serial, statusOK, call.ID)
		return finish(appendException(dst, serial, refusalClass, f.Text(), call.Token&tokenAttachments != 0), start)
	}
	status, ok := causeStatus[f.Cause]
	if !ok {
		status = statusServerError
	}
	dst = appendHeader(dst, serial, status, call.ID)
	return finish(appendString(dst, serial, f.Text()), start)
}

// appendString appends a string as an item of a body.
func appendString(dst []byte, serial byte, s string) []byte {
	if serial == serialHessian2 {
		return hessian2.AppendText(dst, s)
	}
	return appendChunk(dst, jsonb.AppendText(nil, s))
}

func appendChunk(dst, chunk []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(chunk))) //nolint:gosec // a small text
	return append(dst, chunk...)
}

// appendException appends a result that is an exception, with attachments if the
// client reads them.
func appendException(dst []byte, serial byte, class, message string, attachments bool) []byte {
	kind := byte(withException)
	if attachments {
		kind = exceptionAndAttachments
	}
	if serial == serialHessian2 {
		dst = hessian2.AppendInt(dst, int32(kind))
		dst = hessian2.AppendText(append(dst, 'C'), class)
		dst = hessian2.AppendInt(dst, 1)
		dst = hessian2.AppendText(dst, "detailMessage")
		dst = hessian2.AppendText(append(dst, 0x60), message)
		if attachments {
			dst = hessian2.AppendText(append(dst, 'H'), "dubbo")
			dst = append(hessian2.AppendText(dst, dubboVersion), 'Z')
		}
		return dst
	}
	dst = appendChunk(dst, jsonb.AppendByte(nil, kind))
	body := jsonb.AppendText([]byte{jsonb.TypedObject}, class)
	body = append(jsonb.AppendInt(body, 0), jsonb.Object) // the class is symbol 0
	body = jsonb.AppendText(jsonb.AppendText(body, "message"), message)
	dst = appendChunk(dst, append(body, jsonb.ObjectEnd))
	if attachments {
		m := jsonb.AppendText([]byte{jsonb.Object}, "dubbo")
		dst = appendChunk(dst, append(jsonb.AppendText(m, dubboVersion), jsonb.ObjectEnd))
	}
	return dst
}
