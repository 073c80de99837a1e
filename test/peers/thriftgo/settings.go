package main

import (
	"fmt"
	"strings"

	"github.com/apache/thrift/lib/go/thrift"

	"github.com/meltemi-mesh/meltemi/test/peers/program"
)

// settings are what client and server speak.
type settings struct {
	transports  thrift.TTransportFactory
	protocols   thrift.TProtocolFactory
	multiplexed bool
}

// parseSettings reads settings; config is what all parts of a connection share.
func parseSettings(word string, config *thrift.TConfiguration) (settings, error) {
	parts := strings.Split(word, "-")
	s := settings{multiplexed: len(parts) == 3 && parts[2] == "mux"}
	if len(parts) != 2 && !s.multiplexed {
		return s, fmt.Errorf("%w\nsettings: %q", program.ErrUsage, word)
	}
	binary, compact := thrift.THeaderProtocolBinary, thrift.THeaderProtocolCompact
	switch parts[1] {
	case "binary":
		s.protocols, config.THeaderProtocolID = thrift.NewTBinaryProtocolFactoryConf(config), &binary
	case "compact":
		s.protocols, config.THeaderProtocolID = thrift.NewTCompactProtocolFactoryConf(config), &compact
	default:
		return s, fmt.Errorf("%w\nprotocol: %q", program.ErrUsage, parts[1])
	}
	switch parts[0] {
	case "framed":
		s.transports = thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), config)
	case "buffered":
		s.transports = thrift.NewTBufferedTransportFactory(8 << 10)
	case "theader":
		// The protocol brings the transport.
		s.transports, s.protocols = thrift.NewTTransportFactory(), thrift.NewTHeaderProtocolFactoryConf(config)
	default:
		return s, fmt.Errorf("%w\ntransport: %q", program.ErrUsage, parts[0])
	}
	return s, nil
}
