package supervisor

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestCheckBusy(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := netip.MustParseAddrPort(taken.Addr().String())
	at := func(ip string, change func(*listenerv3.Listener)) *listenerv3.Listener {
		l := listenerAt("orders", uint32(address.Port()))
		l.GetAddress().GetSocketAddress().Address = ip
		if change != nil {
			change(l)
		}
		return l
	}
	for name, test := range map[string]struct {
		listener *listenerv3.Listener
		bound    string
		want     string
	}{
		"busy":             {at("127.0.0.1", nil), "", "listener orders: another process uses " + address.String()},
		"wildcard":         {at("0.0.0.0", nil), "", "another process uses 0.0.0.0:"},
		"a reload":         {at("127.0.0.1", nil), "127.0.0.1:1", "another process uses"},
		"additional":       {listenerWith(listenerAt("orders", 0), at("127.0.0.1", nil).GetAddress()), "", "another process uses"},
		"our own":          {at("127.0.0.1", nil), address.String(), ""},
		"free":             {listenerAt("orders", 0), "", ""},
		"elsewhere":        {at("127.0.0.2", nil), "", ""},
		"not here":         {at("192.0.2.1", nil), "", ""}, // Envoy's to tell
		"a name":           {at("localhost", nil), "", ""}, // likewise
		"a pipe":           {&listenerv3.Listener{Address: &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/x"}}}}, "", ""},
		"shared by intent": {at("127.0.0.1", func(l *listenerv3.Listener) { l.EnableReusePort = wrapperspb.Bool(true) }), "", ""},
		"not bound":        {at("127.0.0.1", func(l *listenerv3.Listener) { l.BindToPort = wrapperspb.Bool(false) }), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bound := map[string]string{}
			if test.bound != "" {
				bound["other"] = test.bound
			}
			err := checkBusy(t.Context(), []*listenerv3.Listener{test.listener}, bound)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// listenerWith adds an address to a listener.
func listenerWith(l *listenerv3.Listener, more *corev3.Address) *listenerv3.Listener {
	l.AdditionalAddresses = append(l.AdditionalAddresses, &listenerv3.AdditionalAddress{Address: more})
	return l
}
