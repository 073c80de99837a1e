package filterhost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/internal/engine"
)

// Env is what a host lends to a filter.
type Env struct {
	// Has are the capabilities of the host.
	Has []filter.Capability
	// Now is the time.
	Now func() time.Time
	// Cancellable makes a context that lives until cancel is called.
	Cancellable func() (ctx context.Context, cancel context.CancelFunc)
	// Define defines a metric under its full name and sets its ID. It is called while
	// New runs.
	Define func(m *filter.Metric, name string) error
	// LogOn tells whether a level is on, Log writes a line. Any thread calls them.
	LogOn func(level filter.Level) bool
	Log   func(level filter.Level, text string)
	// OnPanic is told of each panic of a filter. Any thread calls it.
	OnPanic func(where string, value any, stack []byte)
}

// Config is one filter, made from one configuration.
type Config struct {
	name              string
	env               Env
	filter            filter.Filter
	requests, answers bool // whose messages it reads whole
	codecs            []*engine.Config
	panics            filter.Counter
}

// rawConfig is the JSON form: what mesh files have, with what the host needs to know
// beside it.
type rawConfig struct {
	// Config is the filter's own.
	Config json.RawMessage `json:"config"`
	// Codec is the configuration of the listener's codec, for what the filter reads in
	// messages. Without it, all codecs that the library carries are known.
	Codec json.RawMessage `json:"codec"`
}

// New makes a filter. text is the JSON that Envoy hands over; codecs and filters are
// what the library carries.
func New(name string, text []byte, codecs []sdk.Definition, filters []filter.Definition, env Env) (*Config, error) {
	d, err := Find(name, filters)
	if err != nil {
		return nil, err
	}
	for _, need := range d.Needs {
		if !slices.Contains(env.Has, need) {
			return nil, fmt.Errorf("filter %s needs %q, which this host cannot do", name, need)
		}
	}
	var raw rawConfig
	if err := sdk.ParseConfig(text, &raw); err != nil {
		return nil, err
	}
	c := &Config{name: name, env: env}
	if c.codecs, err = parseCodecs(raw.Codec, codecs); err != nil {
		return nil, err
	}
	h := &host{config: c}
	c.panics = h.Counter("panics")
	c.filter, err = guardNew(d, raw.Config, h)
	h.closed = true
	if err != nil {
		c.filter = nil // whatever New returned with the error
	}
	if err = errors.Join(append(h.problems, err)...); err != nil {
		c.Close()
		return nil, fmt.Errorf("filter %s: %w", name, err)
	}
	if c.filter == nil {
		return nil, fmt.Errorf("filter %s: New made none", name)
	}
	if r, ok := c.filter.(filter.PayloadReader); ok {
		c.requests, c.answers = r.Payload()
	}
	if (c.requests || c.answers) && !slices.Contains(env.Has, filter.ReadPayload) {
		c.Close()
		return nil, fmt.Errorf("filter %s reads messages, which this host cannot do", name)
	}
	return c, nil
}

// guardNew calls New behind a barrier.
func guardNew(d *filter.Definition, config []byte, h filter.Host) (f filter.Filter, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("New panicked: %v", value)
		}
	}()
	return d.New(nullIsNone(config), h)
}

// Close gives back what the filter has, if it is a Closer. No call has it any more.
func (c *Config) Close() {
	closer, ok := c.filter.(filter.Closer)
	if !ok {
		return
	}
	defer func() {
		if value := recover(); value != nil {
			c.env.OnPanic("filter "+c.name+": Close", value, debug.Stack())
		}
	}()
	closer.Close()
}

// NewRoute makes the configuration of a route for a filter.
func NewRoute(name string, text []byte, filters []filter.Definition) (config any, err error) {
	d, err := Find(name, filters)
	if err != nil {
		return nil, err
	}
	if d.NewRoute == nil {
		return nil, fmt.Errorf("filter %s takes no configuration of routes", name)
	}
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("filter %s: NewRoute panicked: %v", name, value)
		}
	}()
	if config, err = d.NewRoute(nullIsNone(text)); err != nil {
		return nil, fmt.Errorf("filter %s: %w", name, err)
	}
	return config, nil
}

// nullIsNone returns nil for a configuration that is not there.
func nullIsNone(text []byte) []byte {
	if t := strings.TrimSpace(string(text)); t == "" || t == "null" {
		return nil
	}
	return text
}

// Find finds a filter by its name.
func Find(name string, filters []filter.Definition) (*filter.Definition, error) {
	at := slices.IndexFunc(filters, func(d filter.Definition) bool { return d.Name == name })
	if at < 0 {
		return nil, fmt.Errorf("unknown filter %q; %s", name, known(filters))
	}
	return &filters[at], nil
}

func known(filters []filter.Definition) string {
	if len(filters) == 0 {
		return "this library carries none"
	}
	names := make([]string, len(filters))
	for i, d := range filters {
		names[i] = d.Name
	}
	return "this library knows " + strings.Join(names, ", ")
}

func parseCodecs(text []byte, codecs []sdk.Definition) ([]*engine.Config, error) {
	if nullIsNone(text) != nil {
		c, err := engine.ParseConfig(text, codecs)
		if err != nil {
			return nil, fmt.Errorf("codec: %w", err)
		}
		return []*engine.Config{c}, nil
	}
	configs := make([]*engine.Config, 0, len(codecs))
	for _, d := range codecs {
		name, err := json.Marshal(map[string]string{"name": d.Name})
		if err != nil {
			return nil, err
		}
		c, err := engine.ParseConfig(name, codecs)
		if err != nil {
			return nil, fmt.Errorf("codec: %w", err)
		}
		configs = append(configs, c)
	}
	return configs, nil
}

// codecOf finds the codec of a request by its content-type.
func (c *Config) codecOf(contentType []byte) (config *engine.Config, index int, ok bool) {
	for _, config := range c.codecs {
		if i, ok := config.CodecOf(contentType); ok {
			return config, i, true
		}
	}
	return nil, 0, false
}
