package main

import (
	"fmt"
	"strings"

	"github.com/cloudwego/kitex/transport"

	"github.com/meltemi-mesh/meltemi/test/peers/program"
)

// settings are what client and server speak.
type settings struct {
	transport transport.Protocol
	mux       bool
}

func parseSettings(word string) (settings, error) {
	rest, mux := strings.CutSuffix(word, "-mux")
	switch rest {
	case "framed-binary":
		return settings{transport.Framed, mux}, usageIf(mux, word)
	case "buffered-binary":
		return settings{transport.PurePayload, mux}, usageIf(mux, word)
	case "ttheader-binary":
		return settings{transport.TTHeaderFramed, mux}, nil
	}
	return settings{}, usageIf(true, word)
}

func usageIf(wrong bool, word string) error {
	if wrong {
		return fmt.Errorf("%w\nsettings: %q", program.ErrUsage, word)
	}
	return nil
}
