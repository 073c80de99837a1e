package filtertest

import (
	"errors"
	"net/url"
	"strconv"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// GRPCService answers the calls that a filter makes with Call.GRPC. An error is a
// connection that breaks, except ErrSilent.
type GRPCService func(r filter.GRPCRequest) (filter.GRPCResponse, error)

// ErrSilent is what a GRPCService returns that does not answer: the call waits until its
// limit has passed (Host.Advance).
var ErrSilent = errors.New("no answer")

// WithGRPC lets a filter make gRPC calls to a cluster. The service sees them as the filter
// made them, with host and limit filled in, and of metadata what is sent.
func WithGRPC(name string, s GRPCService) Option { return func(h *Host) { h.grpc[name] = s } }

// callGRPC brings the answer on the way that it takes in Envoy.
func (c *Call) callGRPC(out *filterhost.Output) {
	service := c.host.grpc[out.Cluster]
	if service == nil {
		c.Wake(out.NotSent)
		return
	}
	request := *out.GRPC
	request.Metadata = nil
	for _, f := range filterhost.GRPCRequestHeaders(out.GRPC) {
		if filterhost.IsGRPCEntry(string(f.Name)) {
			request.Metadata = append(request.Metadata, [2]string{string(f.Name), string(f.Value)})
		}
	}
	r, err := service(request)
	switch {
	case errors.Is(err, ErrSilent):
		return
	case err != nil:
		c.carry(c.call.GRPCDone(false))
		return
	}
	c.call.GRPCHeaders(grpcFields([][2]string{{":status", "200"}, {"content-type", "application/grpc"}}, r.Metadata), false)
	if r.Code == sdk.OK {
		if out := c.call.GRPCData([][]byte{filterhost.GRPCFrame(r.Message)}); out.Action != filterhost.Nothing {
			c.carry(out)
			return
		}
	}
	c.call.GRPCTrailers(grpcFields([][2]string{
		{"grpc-status", strconv.Itoa(int(r.Code))}, {"grpc-message", url.PathEscape(r.Text)},
	}, r.Trailers))
	c.carry(c.call.GRPCDone(true))
}

func grpcFields(lists ...[][2]string) (all []engine.Field) {
	for _, list := range lists {
		for _, e := range list {
			all = append(all, engine.Field{Name: []byte(e[0]), Value: []byte(e[1])})
		}
	}
	return all
}
