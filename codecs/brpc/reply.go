package brpc

import (
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// Tags of the fields that are written: a number and a wireType in one byte.
const (
	tagRequest    = metaRequest<<3 | byte(wireBytes)
	tagResponse   = metaResponse<<3 | byte(wireBytes)
	tagID         = metaID<<3 | byte(wireVarint)
	tagUserFields = metaUserFields<<3 | byte(wireBytes)

	tagReplyCode = replyCode<<3 | byte(wireVarint)
	tagReplyText = replyText<<3 | byte(wireBytes)

	tagKey   = entryKey<<3 | byte(wireBytes)
	tagValue = entryValue<<3 | byte(wireBytes)
)

// Reply implements sdk.Codec: a response with an error code, a text and nothing else.
func (*Codec) Reply(dst []byte, call sdk.Call, f sdk.Failure) ([]byte, error) {
	code, ok := causeCode[f.Cause]
	if !ok {
		code = codeEINTERNAL
	}
	if f.Cause == sdk.CauseDenied && call.Token == tokenCredentials {
		code = codeERPCAUTH
	}
	start := len(dst)
	dst = appendResponse(appendHeader(dst), call.ID, code, f.Text())
	return finish(dst, start, len(dst))
}

// appendResponse appends the meta of a response. As C++ servers do, it writes an error
// code even if there is no error.
func appendResponse(dst []byte, id uint64, code int32, text string) []byte {
	text = strings.ToValidUTF8(text, "\uFFFD")
	signed := uint64(int64(code)) //nolint:gosec // Protocol Buffers' int32
	n := 1 + varintSize(signed)
	if text != "" {
		n += 1 + varintSize(uint64(len(text))) + len(text)
	}
	dst = wire.AppendUvarint(append(dst, tagResponse), uint64(n)) //nolint:gosec // not negative
	dst = wire.AppendUvarint(append(dst, tagReplyCode), signed)
	if text != "" {
		dst = appendBytes(append(dst, tagReplyText), text)
	}
	return wire.AppendUvarint(append(dst, tagID), id)
}

// appendBytes appends a length and the bytes.
func appendBytes[T string | []byte](dst []byte, b T) []byte {
	return append(wire.AppendUvarint(dst, uint64(len(b))), b...)
}

func varintSize(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// appendHeader appends a header; finish fills in the sizes.
func appendHeader(dst []byte) []byte {
	return wire.AppendZeros(append(dst, magic...), headerSize-len(magic))
}

// finish fills in the sizes of the message that starts at start, with its meta up to
// payload.
func finish(b []byte, start, payload int) ([]byte, error) {
	body := len(b) - start - headerSize
	if body > maxBody {
		return b[:start], sdk.Unsupported("body size", errBodySize)
	}
	if err := wire.PutLen32(b, start+bodyAt, body); err != nil {
		return b[:start], err
	}
	if err := wire.PutLen32(b, start+metaAt, payload-start-headerSize); err != nil {
		return b[:start], err
	}
	return b, nil
}
