package filterhost

import (
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// End is called once, when the call is over. The Call does nothing afterwards.
func (c *Call) End(e *End) {
	c.unpause()
	c.finish()
	if !c.answered && len(e.Headers) > 0 {
		c.answer(e.Headers)
	}
	o := filter.Outcome{
		Answered: c.answered, Status: c.status, Duration: c.config.env.Now().Sub(c.began),
		Upstream: e.Upstream, Details: e.Details, Flags: flags(e.Flags),
		RequestBytes: e.RequestBytes, ResponseBytes: e.ResponseBytes,
	}
	c.guard("End", func() filter.Verdict {
		c.handler.End(c, o)
		return filter.Continue
	})
	c.unpause()
	c.over, c.stream = true, ended{}
}

// flagNames are Envoy's response flags by their numbers.
// Source: envoy/stream_info/stream_info.h, enum CoreResponseFlag, and their short names
// in Envoy's documentation, "Access log format strings", RESPONSE_FLAGS.
var flagNames = [...]string{
	"LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX", "SI", "IH",
	"DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR", "UDO",
}

func flags(bits uint64) string {
	var names []string
	for i, name := range flagNames {
		if bits&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}
