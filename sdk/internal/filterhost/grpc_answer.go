package filterhost

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// grpcAnswer is what there is of the answer to a unary gRPC call.
type grpcAnswer struct {
	http     int  // the HTTP status
	foreign  bool // it is not gRPC's
	told     bool // there was a status of gRPC
	code     sdk.Code
	text     string
	metadata [][2]string
	trailers [][2]string
	frame    []byte // the message and the frame before it, as far as it is here
}

var (
	errCompressed = errors.New("the answer's message is compressed")
	errSeveral    = errors.New("the answer has more than one message")
	errNone       = errors.New("the answer has no message")
	errCutOff     = errors.New("the answer's message is cut off")
)

func tooLong(n int) error {
	return fmt.Errorf("a message of %d bytes is over the limit of %d", n, filter.MaxGRPCMessage)
}

// headers notes the headers; end tells that they are the whole answer.
func (a *grpcAnswer) headers(list []engine.Field, end bool) {
	status, _ := engine.Find(list, ":status")
	a.http, _ = strconv.Atoi(string(status)) // Envoy's own
	contentType, _ := engine.Find(list, "content-type")
	a.foreign = !strings.HasPrefix(string(contentType), "application/grpc")
	if end {
		a.end(list)
		return
	}
	a.metadata = entries(list)
}

// end notes the trailers, or the headers of an answer that is nothing else.
func (a *grpcAnswer) end(list []engine.Field) {
	a.trailers = entries(list)
	status, ok := engine.Find(list, "grpc-status")
	if !ok {
		return
	}
	a.told, a.code = true, sdk.Unknown // as gRPC takes a code that it does not know
	if n, err := strconv.ParseUint(string(status), 10, 8); err == nil && n <= uint64(sdk.Unauthenticated) {
		a.code = sdk.Code(n)
	}
	a.text = string(engine.StatusOf(list).Message)
}

// entries are those that are not gRPC's own.
func entries(list []engine.Field) (all [][2]string) {
	for _, f := range list {
		if IsGRPCEntry(string(f.Name)) {
			all = append(all, [2]string{string(f.Name), string(f.Value)})
		}
	}
	return all
}

// data notes a part of the body. The error tells, with a code, that no more is wanted.
func (a *grpcAnswer) data(chunk []byte) (sdk.Code, error) {
	if a.foreign {
		return sdk.OK, nil
	}
	a.frame = append(a.frame, chunk...)
	if len(a.frame) < grpcPrefix {
		return sdk.OK, nil
	}
	switch n := a.length(); {
	case a.frame[0] != 0:
		return sdk.Internal, errCompressed
	case n > filter.MaxGRPCMessage:
		return sdk.ResourceExhausted, tooLong(n)
	case len(a.frame) > grpcPrefix+n:
		return sdk.Internal, errSeveral
	}
	return sdk.OK, nil
}

// length is that of the message, as the frame tells it.
func (a *grpcAnswer) length() int { return int(binary.BigEndian.Uint32(a.frame[1:grpcPrefix])) }

// result is the answer when nothing more comes.
func (a *grpcAnswer) result() (r filter.GRPCResponse, err error) {
	r = filter.GRPCResponse{Code: a.code, Text: a.text, Metadata: a.metadata, Trailers: a.trailers}
	switch {
	case !a.told && (a.foreign || a.http != 200):
		r.Code = codeOfHTTP(a.http)
		return r, fmt.Errorf("HTTP status %d is no answer of gRPC", a.http)
	case !a.told:
		r.Code = sdk.Unknown
		return r, errors.New("the answer has no grpc-status")
	case a.code != sdk.OK:
		return r, nil
	case len(a.frame) == 0:
		r.Code = sdk.Internal
		return r, errNone
	case len(a.frame) < grpcPrefix || len(a.frame) < grpcPrefix+a.length():
		r.Code = sdk.Internal
		return r, errCutOff
	}
	r.Message = a.frame[grpcPrefix:]
	return r, nil
}

// codeOfHTTP is what an answer counts as that has an HTTP status alone.
// Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
func codeOfHTTP(status int) sdk.Code {
	switch status {
	case 400:
		return sdk.Internal
	case 401:
		return sdk.Unauthenticated
	case 403:
		return sdk.PermissionDenied
	case 404:
		return sdk.Unimplemented
	case 429, 502, 503, 504:
		return sdk.Unavailable
	}
	return sdk.Unknown
}
