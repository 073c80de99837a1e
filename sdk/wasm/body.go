package wasm

import (
	"math"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
)

// Envoy hands over a body while the headers are held only if its configuration says so
// (allow_on_headers_stop_iteration); otherwise the call would wait for ever. A module is
// not told what the configuration says. So the first calls of which a filter reads the
// message wait for a body so long and no longer, until one has come.
const bodyLimit = 5 * time.Second

// eventNoBody is beyond the numbers that filterhost gives.
const eventNoBody = math.MaxUint64

func (s *stream) awaitBody() {
	if !s.plugin.bodies {
		s.bodyTimer = s.WakeIn(bodyLimit, eventNoBody)
	}
}

// bodyCame notes that a body has come, or that nobody waits for it any more.
func (s *stream) bodyCame() {
	if !s.over {
		s.plugin.bodies = true
	}
	if s.bodyTimer != nil {
		s.bodyTimer()
		s.bodyTimer = nil
	}
}

// refuseWithoutBody answers a call whose body did not come.
func (s *stream) refuseWithoutBody() {
	if s.request != collects || s.plugin.bodies {
		return
	}
	s.resume(s.call.Refuse(sdk.Failure{
		Cause: sdk.CauseInternal, Code: sdk.Internal,
		Message: "filter " + s.plugin.name + " reads messages: Envoy's allow_on_headers_stop_iteration has to be true",
	}))
}

var _ filterhost.Stream = (*stream)(nil)
