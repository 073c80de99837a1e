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
	codecConfigs     [][]byte // by codec: the JSON that it was made of, nil for none
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
	replyNamer    sdk.ReplyNamer
	oneWayDoubter sdk.OneWayDoubter
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
