package filtertest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

// grpcCaller is a filter that makes one gRPC call in Request and notes what comes of it.
type grpcCaller struct {
	filter.Base
	request filter.GRPCRequest
}

func (g grpcCaller) Begin(filter.Call) filter.Handler { return g }

func (g grpcCaller) Request(c filter.Call) filter.Verdict {
	return c.GRPC("quota", g.request, func(c filter.Call, r filter.GRPCResponse, err error) filter.Verdict {
		c.SetDynamicMetadata("got", fmt.Sprintf("%v %q %v %v %d bytes %v", r.Code, r.Text, r.Metadata, r.Trailers, len(r.Message), err))
		return filter.Continue
	})
}

// TestGRPC has services answer, fail, say nothing and be absent.
func TestGRPC(t *testing.T) {
	var seen filter.GRPCRequest
	services := map[string]filtertest.GRPCService{
		"answers": func(r filter.GRPCRequest) (filter.GRPCResponse, error) {
			seen = r
			return filter.GRPCResponse{Message: r.Message, Metadata: [][2]string{{"m", "1"}}, Trailers: [][2]string{{"t", "2"}}}, nil
		},
		"refuses": func(filter.GRPCRequest) (filter.GRPCResponse, error) {
			return filter.GRPCResponse{Code: sdk.PermissionDenied, Text: "100 % no", Message: []byte("x")}, nil
		},
		"breaks": func(filter.GRPCRequest) (filter.GRPCResponse, error) {
			return filter.GRPCResponse{}, errors.New("broken")
		},
		"says too much": func(filter.GRPCRequest) (filter.GRPCResponse, error) {
			return filter.GRPCResponse{Message: make([]byte, filter.MaxGRPCMessage+1)}, nil
		},
		"is silent": func(filter.GRPCRequest) (filter.GRPCResponse, error) {
			return filter.GRPCResponse{}, filtertest.ErrSilent
		},
		"is absent": nil,
	}
	small := filter.GRPCRequest{Method: "/q.Quota/Take", Metadata: [][2]string{{"te", "x"}, {"k", "v"}}, Message: []byte("three")}
	large := filter.GRPCRequest{Method: "/q.Quota/Take", Message: make([]byte, filter.MaxGRPCMessage+1)}
	for _, c := range []struct {
		service string
		request filter.GRPCRequest
		want    string
	}{
		{"answers", small, `OK "" [[m 1]] [[t 2]] 5 bytes <nil>`},
		{"answers", large, `RESOURCE_EXHAUSTED "" [] [] 0 bytes cluster quota: /q.Quota/Take: a message of 4194305 bytes is over the limit of 4194304`},
		{"answers", filter.GRPCRequest{Metadata: [][2]string{{"k", "a\r\nb"}}}, `INTERNAL "" [] [] 0 bytes cluster quota: : k: "a\r\nb" is not printable ASCII`},
		{"answers", filter.GRPCRequest{Metadata: [][2]string{{"a b", "x"}}}, `INTERNAL "" [] [] 0 bytes cluster quota: : metadata: "a b" is not lower-case letters, digits, '_', '-' and '.'`},
		{"answers", filter.GRPCRequest{Method: "/a\n"}, "INTERNAL \"\" [] [] 0 bytes cluster quota: /a\n: method: \"/a\\n\" is not printable ASCII"},
		{"refuses", small, `PERMISSION_DENIED "100 % no" [] [] 0 bytes <nil>`},
		{"breaks", small, `UNAVAILABLE "" [] [] 0 bytes cluster quota: /q.Quota/Take: the connection broke before the answer was whole`},
		{"says too much", small, `RESOURCE_EXHAUSTED "" [] [] 0 bytes cluster quota: /q.Quota/Take: a message of 4194305 bytes is over the limit of 4194304`},
		{"is silent", small, `DEADLINE_EXCEEDED "" [] [] 0 bytes cluster quota: /q.Quota/Take: no answer within the limit`},
		{"is absent", small, `UNAVAILABLE "" [] [] 0 bytes cluster quota: /q.Quota/Take: the call could not be begun: there is no such cluster, or no host of it takes calls`},
	} {
		t.Run(c.service, func(t *testing.T) {
			d := filter.Definition{Name: "caller", Needs: []filter.Capability{filter.CallGRPC}, New: func([]byte, filter.Host) (filter.Filter, error) {
				return grpcCaller{request: c.request}, nil
			}}
			h := filtertest.New(t, d, "", filtertest.WithGRPC("quota", services[c.service]))
			call := h.Begin(filtertest.Request{})
			h.Advance(999 * time.Millisecond)
			if waits := call.State() == filtertest.Waiting; waits != (c.service == "is silent") {
				t.Errorf("it waits: %t", waits)
			}
			h.Advance(time.Millisecond)
			if got := call.End().Dynamic["got"]; got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
	if got := fmt.Sprintf("%+v", seen.Metadata) + seen.Host + seen.Limit.String(); got != "[[k v]]quota1s" {
		t.Errorf("the service saw %s", got)
	}
}
