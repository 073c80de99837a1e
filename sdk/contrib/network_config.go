package contrib

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/envoyproxy/envoy/contrib/golang/common/go/api"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
	"github.com/meltemi-mesh/meltemi/sdk/internal/filterhost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/nethost"
	"github.com/meltemi-mesh/meltemi/sdk/internal/process"
)

// rawNetwork is the JSON form of the network filter's configuration. One of the three
// addresses says what the filter is.
type rawNetwork struct {
	// Codec is the configuration of the codec, as in the dynamic module.
	Codec json.RawMessage `json:"codec"`
	// HTTP2 is the listener of a connection manager: calls become its HTTP/2 requests.
	HTTP2 string `json:"http2"`
	// Server is an RPC server, for a listener to which HTTP/2 comes: requests become its
	// calls.
	Server string `json:"server"`
	// Forward is an RPC server, for a listener to which RPC comes: both in one, with
	// Filters between.
	Forward string      `json:"forward"`
	Filters []rawFilter `json:"filters"`
}

// rawFilter is one of the filters.
type rawFilter struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
}

// networkConfig is a network filter, made from one configuration.
type networkConfig struct {
	err     error // why each connection is refused
	codec   *engine.Config
	http2   string
	handler *nethost.Handler // of calls to the server; nil with http2
	forward bool
	filters []*filterhost.Config
	limit   int // how many bytes may wait on a connection
}

// connectLimit is how long it may take to open a connection.
const connectLimit = 10 * time.Second

// networkParser makes them. Envoy's Go package lets none be refused, so one that is wrong
// refuses its connections.
type networkParser struct{}

// ParseConfig implements network.ConfigParser.
func (networkParser) ParseConfig(config *anypb.Any) any {
	c := &networkConfig{}
	defer barrier("configuration of the network filter", func() { c.err = errors.New("it panicked") })
	// The interface does not tell how many workers there are; Envoy's default is this.
	process.Fit(runtime.NumCPU(), logLevel)
	text, err := settingsOf(config)
	if err = errors.Join(library.err, err); err == nil {
		err = c.parse(text)
	}
	if err != nil {
		c.err = err
		logf(api.Critical, "network filter: %v; its connections are refused", err)
	}
	return c
}

func (c *networkConfig) parse(text []byte) error {
	var raw rawNetwork
	err := sdk.ParseConfig(text, &raw)
	if err != nil {
		return err
	}
	if c.codec, err = engine.ParseConfig(raw.Codec, library.Codecs); err != nil {
		return fmt.Errorf("codec: %w", err)
	}
	c.codec.OnPanic, c.codec.Budget = logPanic, process.Budget()
	c.limit = 2 * c.codec.MaxMessage()
	c.http2, c.forward = raw.HTTP2, raw.Forward != ""
	to, err := raw.address()
	if err != nil {
		return err
	}
	if c.http2 == "" {
		if len(c.codec.Codecs()) != 1 {
			return errors.New("codec: auto: a server is spoken to in one protocol; give its name")
		}
		c.handler = &nethost.Handler{Config: c.codec, Count: counts.add, Dial: func(ctx context.Context) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, connectLimit)
			defer cancel()
			return dial(ctx, to, c.limit)
		}}
	}
	if len(raw.Filters) > 0 && !c.forward {
		return errors.New("filters: only with forward; elsewhere they are HTTP filters")
	}
	return c.parseFilters(raw.Filters, raw.Codec)
}

// address is the one address of the configuration.
func (r *rawNetwork) address() (string, error) {
	found, field := "", ""
	for name, value := range map[string]string{"http2": r.HTTP2, "server": r.Server, "forward": r.Forward} {
		if value == "" {
			continue
		}
		if found != "" {
			return "", errors.New("only one of http2, server and forward can be there")
		}
		found, field = value, name
	}
	if found == "" {
		return "", errors.New("one of http2, server and forward must be there")
	}
	// Envoy ends the process for one that it cannot read (UpstreamConn in upstream.cc).
	if a, err := netip.ParseAddrPort(found); err != nil || a.Addr().Zone() != "" {
		return "", fmt.Errorf("%s: %q is not an address with a port, such as 127.0.0.1:15080", field, found)
	}
	return found, nil
}

func (c *networkConfig) parseFilters(list []rawFilter, codec json.RawMessage) error {
	for i, raw := range list {
		text, err := json.Marshal(map[string]json.RawMessage{"config": nullUnless(raw.Config), "codec": codec})
		if err != nil {
			return err
		}
		f, err := filterhost.New(raw.Name, text, library.Codecs, library.Filters, filterhost.Env{
			// There are neither metrics nor routes here.
			Has:         []filter.Capability{filter.ReadPayload, filter.WaitCalls, filter.AnswerCalls, filter.System},
			Now:         time.Now,
			Cancellable: func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) },
			Define:      func(*filter.Metric, string) error { return nil },
			LogOn:       func(level filter.Level) bool { return logOn(filterLevels[level]) },
			Log:         func(level filter.Level, text string) { logf(filterLevels[level], "%s", text) },
			OnPanic:     logPanic,
		})
		if err != nil {
			for _, f := range c.filters {
				f.Close()
			}
			return fmt.Errorf("filters[%d]: %w", i, err)
		}
		c.filters = append(c.filters, f)
	}
	return nil
}

// nullUnless is a JSON text that may be missing.
func nullUnless(text json.RawMessage) json.RawMessage {
	if len(text) == 0 {
		return json.RawMessage("null")
	}
	return text
}
