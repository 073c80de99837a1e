package filter

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// MaxGRPCMessage is how long a message of Call.GRPC can be, in bytes, either way. It is
// what implementations of gRPC take unless they are told otherwise.
const MaxGRPCMessage = 4 << 20

// GRPCRequest is a unary gRPC call to an Envoy cluster, which has to speak HTTP/2.
type GRPCRequest struct {
	// Method is "/package.Service/Method", and Host is :authority: an empty one is the
	// cluster's name.
	Method, Host string
	// Metadata are names, of lower-case letters, digits, '_', '-' and '.', and values, of
	// printable ASCII: others are refused, as are such a Method and Host. Under a name that ends with "-bin" it is
	// base64, as gRPC sends it. Names that are gRPC's own are left out: those that begin
	// with ':' or "grpc-", content-type and te.
	Metadata [][2]string
	// Message is the request as the service's codec writes it, usually protobuf, without
	// gRPC's frame around it. It is not compressed.
	Message []byte
	// Limit is how long to wait for the whole answer: at least a millisecond, or 0 for one
	// second. The server is told (grpc-timeout).
	Limit time.Duration
}

// GRPCResponse is what came of it. It is borrowed until the hook returns.
type GRPCResponse struct {
	// Code and Text are the call's status, and Code is OK for an answer with a message
	// alone. Envoy answers for a server that it cannot reach: with UNAVAILABLE, mostly.
	Code sdk.Code
	Text string
	// Metadata came before the message, Trailers with the status.
	Metadata, Trailers [][2]string
	// Message is the answer without its frame; nil unless Code is OK.
	Message []byte
}

// Entry returns the first value of an entry, whose name is lower-case, of Metadata, else
// of Trailers.
func (r *GRPCResponse) Entry(name string) string {
	for _, list := range [...][][2]string{r.Metadata, r.Trailers} {
		for _, e := range list {
			if e[0] == name {
				return e[1]
			}
		}
	}
	return ""
}
