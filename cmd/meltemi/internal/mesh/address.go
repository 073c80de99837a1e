package mesh

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseAddress reads the short form of an address, host:port or unix:/path, into
// Envoy's. isName tells whether the host is a name, which needs DNS.
func parseAddress(short string) (address *yaml.Node, isName bool, err error) {
	if path, ok := strings.CutPrefix(short, "unix:"); ok {
		if path == "" {
			return nil, false, fmt.Errorf("%q names no socket; want unix:/path", short)
		}
		return mapping(entry{"pipe", mapping(entry{"path", filledString(path)})}), false, nil
	}
	host, portText, err := net.SplitHostPort(short)
	if err != nil || host == "" {
		return nil, false, fmt.Errorf("%q is no address; want host:port, such as 127.0.0.1:20880", short)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, false, fmt.Errorf("%q has no port between 0 and 65535", short)
	}
	_, ipErr := netip.ParseAddr(host)
	return mapping(entry{"socket_address", mapping(
		entry{"address", filledString(host)},
		entry{"port_value", filledInt(int(port))},
	)}), ipErr != nil, nil
}
