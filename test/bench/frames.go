package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// The bytes of a Dubbo frame that the load looks at.
const (
	headerSize = 16
	statusAt   = 3
	idAt       = 4
	lengthAt   = 12
	statusOK   = 20
)

// tokenMark stands before the token in each argument and each reply.
const tokenMark = "token="

const tokenDigits = 16

// exchange is a request and its reply, as templates: each call gets an id and a
// token, which the server repeats. A reply with the token of another call is seen.
type exchange struct {
	request, reply           []byte
	requestToken, replyToken int
	headers                  []header // of the request, as HTTP
}

type header struct{ name, value string }

// newExchange makes the exchange with an argument of that many bytes: an echo with
// the attachments that a Dubbo consumer sends.
func newExchange(payload int) (*exchange, error) {
	argument := tokenMark + strings.Repeat("0", tokenDigits)
	argument += strings.Repeat("x", max(0, payload-len(argument)))
	codec := &dubbo.Codec{}
	var e exchange
	var err error
	e.request, err = codec.BuildRequest(nil, sdk.Request{
		Service: "bench.Echo", Method: "echo", Timeout: time.Minute,
		Arguments: []sdk.Argument{{Type: "java.lang.String", Value: argument}},
		Metadata:  []sdk.Entry{{Key: []byte("version"), Value: []byte("1.0.0")}, {Key: []byte("remote.application"), Value: []byte("bench")}},
	})
	if err != nil {
		return nil, err
	}
	var m sdk.Message
	if _, err := codec.Decode(sdk.FromClient, e.request, &m); err != nil {
		return nil, err
	}
	m.Bytes = e.request
	if err := codec.Metadata(&m); err != nil {
		return nil, err
	}
	if e.reply, err = codec.BuildResponse(nil, &m, sdk.Response{Result: argument}); err != nil {
		return nil, err
	}
	e.requestToken = bytes.Index(e.request, []byte(tokenMark)) + len(tokenMark)
	e.replyToken = bytes.Index(e.reply, []byte(tokenMark)) + len(tokenMark)
	e.headers = headersOf(&m)
	return &e, nil
}

// headersOf returns what Meltemi makes of a request.
func headersOf(m *sdk.Message) []header {
	headers := []header{
		{":method", "POST"},
		{":scheme", "http"},
		{":authority", string(m.Service)},
		{":path", "/" + string(m.Service) + "/" + string(m.Method)},
		{"content-type", "application/grpc+dubbo"},
		{"te", "trailers"},
		{"content-length", strconv.Itoa(len(m.Bytes))},
		{"grpc-timeout", "59995m"},
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
	binary.BigEndian.PutUint64(dst[at+idAt:], id)
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
	copy(dst[at+idAt:at+lengthAt], request[idAt:])
	copy(dst[at+e.replyToken:at+e.replyToken+tokenDigits], request[e.requestToken:])
	return dst, nil
}

var errNotOurs = errors.New("a reply that is not the answer to its call")

// check checks that the reply is the good answer to the call with that token.
func (e *exchange) check(reply []byte, token uint64) error {
	if len(reply) != len(e.reply) || reply[statusAt] != statusOK {
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
