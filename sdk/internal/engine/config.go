package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Config is the module's configuration, parsed and checked. It is immutable and
// shared by all connections and threads.
type Config struct {
	// OnPanic is told of each panic of a codec: where, what, and the stack. It is
	// set once, before the first use, and may be called on any thread. Nil: nobody
	// is told.
	OnPanic func(where string, value any, stack []byte)
	// Budget is what incomplete messages may take together, set like OnPanic. Nil:
	// nothing bounds them together.
	Budget *Budget

	codecs           []sdk.Codec
	auto             bool
	authority        []byte
	originalDst      bool
	hosts            map[string][]byte
	defaultService   []byte
	margin           time.Duration
	expose           []string // nil: everything
	hideFolded       bool
	passOpaque       bool
	tracing          []string
	oneway           map[string]bool // "service/method"
	maxMessage       int
	maxMetadata      int
	maxMetadataBytes int
	maxQueued        int
	heartbeat        time.Duration
	sniffTimeout     time.Duration

	contentTypes [][]byte // by codec: application/grpc+<name>
	kinds        []codecKind
}

// codecKind is what assertion found of a codec, once instead of once a message.
type codecKind struct {
	ordered       bool
	heartbeater   sdk.Heartbeater
	prober        sdk.Prober
	goAwayer      sdk.GoAwayer
	sniffer       sdk.Sniffer
	perConnection sdk.PerConnection
}

// Defaults of the configuration.
const (
	defaultMargin    = 5 * time.Millisecond
	defaultMaxQueued = 1024
	defaultSniff     = 5 * time.Second
	originalDst      = "original_dst"
)

// rawConfig is the JSON form.
type rawConfig struct {
	Name             string            `json:"name"`
	Config           json.RawMessage   `json:"config"`
	Auto             []json.RawMessage `json:"auto"`
	Authority        string            `json:"authority"`
	Hosts            map[string]string `json:"hosts"`
	DefaultService   string            `json:"default_service"`
	DeadlineMargin   *duration         `json:"deadline_margin"`
	Expose           []string          `json:"expose"`
	OnFold           string            `json:"on_fold"`
	Opaque           string            `json:"opaque"`
	TracingHeaders   []string          `json:"tracing_headers"`
	Oneway           []string          `json:"oneway"`
	MaxMessageBytes  *int              `json:"max_message_bytes"`
	MaxMetadata      *int              `json:"max_metadata"`
	MaxMetadataBytes *int              `json:"max_metadata_bytes"`
	MaxQueuedCalls   *int              `json:"max_queued_calls"`
	Heartbeat        *duration         `json:"heartbeat_interval"`
	SniffTimeout     *duration         `json:"sniff_timeout"`
}

// duration is a time.Duration in Go's notation, such as "5ms".
type duration time.Duration

// UnmarshalJSON parses a string such as "5ms".
func (d *duration) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("%s is not a duration such as \"5ms\"", b)
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as \"5ms\"", text)
	}
	*d = duration(v)
	return nil
}

// ParseConfig parses the module's configuration, strictly: an unknown field, an
// unknown codec and a value out of range are errors that name the field. All
// errors are reported, not only the first.
func ParseConfig(text []byte, codecs []sdk.Definition) (*Config, error) {
	var raw rawConfig
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New(`configuration is empty; it needs at least {"name": "<codec>"}`)
	}
	if err := sdk.ParseConfig(text, &raw); err != nil {
		return nil, err
	}
	c := &Config{
		authority:      []byte(raw.Authority),
		originalDst:    raw.Authority == originalDst,
		hosts:          make(map[string][]byte, len(raw.Hosts)),
		defaultService: []byte(raw.DefaultService),
		tracing:        tracingNames(raw.TracingHeaders),
		oneway:         make(map[string]bool, len(raw.Oneway)),
	}
	p := problems{}
	for service, host := range raw.Hosts {
		if host == "" {
			p.add("hosts: %q has no host", service)
		}
		c.hosts[service] = []byte(host)
	}
	c.addCodecs(&p, &raw, codecs)
	c.margin = durationOr(&p, "deadline_margin", raw.DeadlineMargin, defaultMargin)
	c.heartbeat = durationOr(&p, "heartbeat_interval", raw.Heartbeat, 0)
	c.sniffTimeout = durationOr(&p, "sniff_timeout", raw.SniffTimeout, defaultSniff)
	if c.sniffTimeout == 0 {
		p.add("sniff_timeout: 0s would let a connection stay undecided for ever")
	}
	c.maxMessage = intOr(&p, "max_message_bytes", raw.MaxMessageBytes, sdk.DefaultMaxMessage, 1<<30)
	c.maxMetadata = intOr(&p, "max_metadata", raw.MaxMetadata, sdk.DefaultMaxMetadata, 4096)
	c.maxMetadataBytes = intOr(&p, "max_metadata_bytes", raw.MaxMetadataBytes, sdk.DefaultMaxMetadataBytes, 1<<20)
	c.maxQueued = intOr(&p, "max_queued_calls", raw.MaxQueuedCalls, defaultMaxQueued, 1<<20)
	c.hideFolded = choice(&p, "on_fold", raw.OnFold, "refuse", "hide") == "hide"
	c.passOpaque = choice(&p, "opaque", raw.Opaque, "refuse", "pass") == "pass"
	for _, method := range raw.Oneway {
		if service, name, ok := strings.Cut(method, "/"); !ok || service == "" || name == "" {
			p.add("oneway: %q is not service/method", method)
		}
		c.oneway[method] = true
	}
	c.addPatterns(&p, raw.Expose)
	checkTracing(&p, raw.TracingHeaders)
	if len(p) > 0 {
		return nil, fmt.Errorf("configuration: %w", errors.Join(p...))
	}
	if len(c.authority) == 0 {
		c.authority = []byte(c.codecs[0].Name())
	}
	if len(c.defaultService) == 0 {
		c.defaultService = []byte(c.codecs[0].Name())
	}
	return c, nil
}

// Codecs are the codec that was named, or those of auto, in order.
func (c *Config) Codecs() []sdk.Codec { return c.codecs }

// MaxMessage is the greatest length of one message in bytes.
func (c *Config) MaxMessage() int { return c.maxMessage }

// addCodecs makes the codecs that the configuration names.
func (c *Config) addCodecs(p *problems, raw *rawConfig, known []sdk.Definition) {
	c.auto = len(raw.Auto) > 0
	switch {
	case c.auto && raw.Name != "":
		p.add("name and auto exclude each other")
	case c.auto && raw.Config != nil:
		p.add("config: with auto, each codec has its own: {\"auto\": [{\"name\": ..., \"config\": ...}]}")
	case c.auto:
		for i, item := range raw.Auto {
			one := struct {
				Name   string          `json:"name"`
				Config json.RawMessage `json:"config"`
			}{}
			field := fmt.Sprintf("auto[%d]", i)
			if json.Unmarshal(item, &one.Name) != nil {
				if err := sdk.ParseConfig(item, &one); err != nil {
					p.add("%s: %w", field, err)
					continue
				}
			}
			c.addCodec(p, field, one.Name, one.Config, known)
		}
	case raw.Name == "":
		p.add("name: missing; this library knows %s", names(known))
	default:
		c.addCodec(p, "name", raw.Name, raw.Config, known)
	}
	for i, k := range c.kinds {
		if c.auto && k.sniffer == nil {
			p.add("auto[%d]: codec %q cannot recognise its protocol, so it cannot share a port", i, c.codecs[i].Name())
		}
	}
}

func (c *Config) addCodec(p *problems, field, name string, config []byte, known []sdk.Definition) {
	at := slices.IndexFunc(known, func(d sdk.Definition) bool { return d.Name == name })
	if at < 0 {
		p.add("%s: unknown codec %q; this library knows %s", field, name, names(known))
		return
	}
	codec, err := known[at].New(config)
	if err != nil {
		p.add("codec %q: config: %w", name, err)
		return
	}
	for _, other := range c.codecs {
		if other.Name() == codec.Name() {
			p.add("%s: codec %q is named twice", field, name)
			return
		}
	}
	c.codecs = append(c.codecs, codec)
	c.contentTypes = append(c.contentTypes, []byte("application/grpc+"+codec.Name()))
	c.kinds = append(c.kinds, kindOf(codec))
}

func kindOf(codec sdk.Codec) codecKind {
	k := codecKind{}
	if o, ok := codec.(sdk.Ordered); ok {
		k.ordered = o.InOrder()
	}
	k.heartbeater, _ = codec.(sdk.Heartbeater)
	k.prober, _ = codec.(sdk.Prober)
	k.goAwayer, _ = codec.(sdk.GoAwayer)
	k.sniffer, _ = codec.(sdk.Sniffer)
	k.perConnection, _ = codec.(sdk.PerConnection)
	return k
}

// addPatterns checks the patterns of expose. One "*" is the same as none at all.
func (c *Config) addPatterns(p *problems, patterns []string) {
	if len(patterns) == 0 || slices.Contains(patterns, "*") {
		return
	}
	for i, pattern := range patterns {
		if _, err := path.Match(pattern, ""); err != nil {
			p.add("expose[%d]: %q is not a pattern", i, pattern)
		}
	}
	c.expose = patterns
}

// exposed reports whether an entry becomes a header.
func (c *Config) exposed(key []byte) bool {
	if c.expose == nil {
		return true
	}
	for _, pattern := range c.expose {
		if ok, err := path.Match(pattern, string(key)); ok && err == nil {
			return true
		}
	}
	return false
}

// exposedAs is exposed for the name of a header, in which letters have no case.
func (c *Config) exposedAs(name []byte) bool {
	if c.expose == nil {
		return true
	}
	for _, pattern := range c.expose {
		if ok, err := path.Match(strings.ToLower(pattern), string(name)); ok && err == nil {
			return true
		}
	}
	return false
}

// problems collects what is wrong with a configuration.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

func durationOr(p *problems, field string, d *duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	if *d < 0 {
		p.add("%s: %v is negative", field, time.Duration(*d))
	}
	return time.Duration(*d)
}

func intOr(p *problems, field string, n *int, otherwise, most int) int {
	if n == nil {
		return otherwise
	}
	if *n < 1 || *n > most {
		p.add("%s: %d is not between 1 and %d", field, *n, most)
	}
	return *n
}

func choice(p *problems, field, value string, options ...string) string {
	if value == "" {
		return options[0]
	}
	if !slices.Contains(options, value) {
		p.add("%s: %q is not one of %s", field, value, strings.Join(options, ", "))
	}
	return value
}

func names(known []sdk.Definition) string {
	list := make([]string, len(known))
	for i, d := range known {
		list[i] = d.Name
	}
	return strings.Join(list, ", ")
}
