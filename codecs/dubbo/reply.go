package dubbo

import (
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// refusalClass is an exception that every peer knows. Consumers retry statuses by
// themselves, but not exceptions that a provider threw.
const refusalClass = "java.lang.RuntimeException"

// dubboVersion is what responses with attachments name as Dubbo's version.
const dubboVersion = "2.0.2"

// Reply implements sdk.Codec: a failure is a status, a refusal an exception where the
// client can read one, and otherwise a status too.
func (c *Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	serial := byte(call.Token & maskSerial)
	d := dialectOf(serial)
	if d == nil {
		// Its text would have to be in a serialization that is not known.
		return dst, unknownSerialization(serial)
	}
	text := strings.ToValidUTF8(f.Text(), "\uFFFD")
	start := len(dst)
	if f.Cause.Refusal() && d.throws() {
		dst = appendHeader(dst, serial, statusOK, call.ID)
		return finish(appendException(dst, d, refusalClass, text, call.Token&tokenAttachments != 0), start)
	}
	status, ok := causeStatus[f.Cause]
	if !ok {
		status = statusServerError
	}
	dst = appendHeader(dst, serial, status, call.ID)
	return finish(d.appendString(dst, text), start)
}

// appendException appends a result that is an exception, with attachments if the
// client reads them.
func appendException(dst []byte, d dialect, class, message string, attachments bool) []byte {
	if !attachments {
		return d.appendException(dst, withException, class, message)
	}
	dst = d.appendException(dst, exceptionAndAttachments, class, message)
	return d.appendAttachments(dst, versionAttachment())
}

// versionAttachment is what each response with attachments tells.
func versionAttachment() []sdk.Entry {
	return []sdk.Entry{{Key: []byte("dubbo"), Value: []byte(dubboVersion)}}
}
