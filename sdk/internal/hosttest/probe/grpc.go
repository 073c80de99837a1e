package probe

import (
	"fmt"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// grpc makes a gRPC call: what is Method=MESSAGE, or Method@LIMIT=MESSAGE, of the service
// check.Check. What came of it is the entry "grpc" of the message at hand, with the answer's length alone for grpc-length; a call without
// an answer is refused.
func (h *handler) grpc(c filter.Call, m filter.Metadata, word, cluster, what string, then filter.Then) filter.Verdict {
	method, message, _ := strings.Cut(what, "=")
	method, limit, _ := strings.Cut(method, "@")
	r := filter.GRPCRequest{
		Method: "/check.Check/" + method, Limit: 10 * time.Second, Message: []byte(message),
		Metadata: [][2]string{{"x-method", c.Method()}, {"grpc-status", "7"}}, // the second is not ours to send
	}
	if d, err := time.ParseDuration(limit); err == nil {
		r.Limit = d
	}
	return c.GRPC(cluster, r, func(c filter.Call, r filter.GRPCResponse, err error) filter.Verdict {
		if err != nil {
			return filter.Reply(sdk.Failure{Cause: sdk.CauseDenied, Message: r.Code.String() + " " + err.Error()})
		}
		if word == "grpc-length" {
			m.Set("grpc", fmt.Sprintf("%v %d", r.Code, len(r.Message)))
			return then(c)
		}
		m.Set("grpc", fmt.Sprintf("%v %q %s %s %s", r.Code, r.Text, r.Entry("x-check"), r.Entry("x-trailer"), r.Message))
		return then(c)
	})
}
