package breaker

import (
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// judge tells what a call that is over tells of its server.
func (s *settings) judge(o *filter.Outcome, timeout time.Duration) result {
	switch {
	case !o.Answered: // its client has gone, or another filter has reset it
		return nothing
	case o.Status.Local && !ofServer(o.Status.Cause):
		return nothing
	case o.Status.Code == sdk.DeadlineExceeded && timeout > 0 && timeout < time.Duration(s.MinTimeout):
		return nothing // the caller was in a hurry
	case s.Failures.has(o.Status.Code):
		return failure
	case o.Status.Local:
		return nothing // no server has said that it is well
	}
	return success
}

// ofServer tells whether the server is why a proxy answers. An injected fault stands for
// one of a server.
func ofServer(cause sdk.Cause) bool {
	switch cause { //nolint:exhaustive // the others are matters of proxies and clients
	case sdk.CauseNoUpstream, sdk.CauseConnectFailure, sdk.CauseConnectionLost, sdk.CauseTimeout,
		sdk.CauseBadResponse, sdk.CauseAborted:
		return true
	}
	return false
}
