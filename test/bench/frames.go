package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// tokenMark stands before the token in each argument and each reply.
const tokenMark = "token="

const tokenDigits = 16

var (
	errNoBuilder = errors.New("the codec builds no messages")
	errNotOurs   = errors.New("a reply that is not the answer to its call")
)

// exchange is a request and its reply, as templates: each call gets an id and a
// token, which the server repeats. A reply with the token of another call is seen.
type exchange struct {
	framing
	request, reply           []byte
	requestToken, replyToken int
	contentType              string
	headers                  []header // of the request, as HTTP
}

type header struct{ name, value string }

// headersOf returns what Meltemi makes of a request.
func headersOf(codec, contentType string, m *sdk.Message) []header {
	service := cmp.Or(string(m.Service), codec)
	headers := []header{
		{":method", "POST"},
		{":scheme", "http"},
		{":authority", service},
		{":path", "/" + service + "/" + string(m.Method)},
		{"content-type", contentType},
		{"te", "trailers"},
		{"content-length", strconv.Itoa(len(m.Bytes))},
	}
	if m.Timeout > 0 {
		headers = append(headers, header{"grpc-timeout", strconv.FormatInt(m.Timeout.Milliseconds()-5, 10) + "m"})
	}
	entries := m.Entries()
	headers = slices.Grow(headers, len(entries))
	for _, entry := range entries {
		headers = append(headers, header{"x-rpc-" + string(entry.Key), string(entry.Value)})
	}
	return headers
}

// appendRequest appends the request with that id and token.
func (e *exchange) appendRequest(dst []byte, id, token uint64) []byte {
	at := len(dst)
	dst = append(dst, e.request...)
	putNumber(dst[at+e.idAt:at+e.idAt+e.idSize], id)
	putToken(dst[at+e.requestToken:], token)
	return dst
}

// appendReply appends the reply to a request. With tracing a request is longer than
// it was sent: the proxy added an attachment behind the argument.
func (e *exchange) appendReply(dst, request []byte) ([]byte, error) {
	if len(request) < len(e.request) || request[e.requestToken-1] != tokenMark[len(tokenMark)-1] {
		return dst, fmt.Errorf("a request of %d bytes, want %d: %.300q", len(request), len(e.request), request)
	}
	at := len(dst)
	dst = append(dst, e.reply...)
	copy(dst[at+e.idAt:at+e.idAt+e.idSize], request[e.idAt:])
	copy(dst[at+e.replyToken:at+e.replyToken+tokenDigits], request[e.requestToken:])
	return dst, nil
}

// id is the id of a reply of that length, which has been checked to hold one.
func (e *exchange) id(frame []byte) uint64 { return getNumber(frame[e.idAt : e.idAt+e.idSize]) }

// check checks that the reply is the good answer to the call with that token.
func (e *exchange) check(reply []byte, token uint64) error {
	if len(reply) != len(e.reply) || reply[e.outcomeAt] != e.good {
		return fmt.Errorf("%w: %d bytes, want %d: %.200q", errNotOurs, len(reply), len(e.reply), reply)
	}
	var want [tokenDigits]byte
	putToken(want[:], token)
	if got := reply[e.replyToken : e.replyToken+tokenDigits]; !bytes.Equal(got, want[:]) {
		return fmt.Errorf("%w: token %s, want %s", errNotOurs, got, want[:])
	}
	return nil
}

func putToken(dst []byte, token uint64) {
	const digits = "0123456789abcdef"
	for i := tokenDigits - 1; i >= 0; i-- {
		dst[i] = digits[token&0xf]
		token >>= 4
	}
}

// putNumber fills dst with n, or as much of it as there is room for.
func putNumber(dst []byte, n uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte(n)
		n >>= 8
	}
}

func getNumber(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
