package translate

import (
	"encoding/json"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/meltemi-mesh/meltemi/controlplane/api/v1alpha1"
)

// moduleConfig is the configuration of the library, which "codec" of a mesh file is too.
// Its fields are in alphabetical order, so that equal ones are equal texts.
type moduleConfig struct {
	Authority         string            `json:"authority,omitempty"`
	Auto              []moduleCodec     `json:"auto,omitempty"`
	Config            json.RawMessage   `json:"config,omitempty"`
	DeadlineMargin    string            `json:"deadline_margin,omitempty"`
	DefaultService    string            `json:"default_service,omitempty"`
	Expose            []string          `json:"expose,omitempty"`
	HeartbeatInterval string            `json:"heartbeat_interval,omitempty"`
	Hosts             map[string]string `json:"hosts,omitempty"`
	MaxMessageBytes   *int32            `json:"max_message_bytes,omitempty"`
	MaxMetadata       *int32            `json:"max_metadata,omitempty"`
	MaxMetadataBytes  *int32            `json:"max_metadata_bytes,omitempty"`
	MaxQueuedCalls    *int32            `json:"max_queued_calls,omitempty"`
	Name              string            `json:"name,omitempty"`
	OnFold            string            `json:"on_fold,omitempty"`
	Oneway            []string          `json:"oneway,omitempty"`
	Opaque            string            `json:"opaque,omitempty"`
	SniffTimeout      string            `json:"sniff_timeout,omitempty"`
	TracingHeaders    []string          `json:"tracing_headers,omitempty"`
}

// moduleCodec is one of several codecs.
type moduleCodec struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config,omitempty"`
}

// originalDst is the authority that is the address the client dialed.
const originalDst = "original_dst"

// moduleOf is the library's configuration for a codec, without hosts.
func moduleOf(c *v1alpha1.Codec) moduleConfig {
	m := moduleConfig{
		Name: c.Name, Config: raw(c.Config),
		DefaultService: c.DefaultService, DeadlineMargin: duration(c.DeadlineMargin), Expose: c.Expose, OnFold: c.OnFold,
		Opaque: c.Opaque, TracingHeaders: c.TracingHeaders, Oneway: c.Oneway,
		MaxMessageBytes: c.MaxMessageBytes, MaxMetadata: c.MaxMetadata, MaxMetadataBytes: c.MaxMetadataBytes,
		MaxQueuedCalls: c.MaxQueuedCalls, HeartbeatInterval: duration(c.HeartbeatInterval), SniffTimeout: duration(c.SniffTimeout),
	}
	for _, a := range c.Auto {
		m.Auto = append(m.Auto, moduleCodec{Name: a.Name, Config: raw(a.Config)})
	}
	return m
}

// codecs are the codecs of a configuration, one or several.
func (m *moduleConfig) codecs() []moduleCodec {
	if m.Name != "" {
		return []moduleCodec{{Name: m.Name, Config: m.Config}}
	}
	return m.Auto
}

// names are the names of the codecs.
func (m *moduleConfig) names() []string {
	all := m.codecs()
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.Name
	}
	return names
}

// settings is the configuration without its codecs and hosts: how calls are treated.
func (m *moduleConfig) settings() string {
	s := *m
	s.Name, s.Config, s.Auto, s.Authority, s.Hosts = "", nil, nil, "", nil
	return s.text()
}

// asAuto is the same as one of several: so that plain HTTP on the port passes through.
func (m *moduleConfig) asAuto() moduleConfig {
	a := *m
	a.Auto, a.Name, a.Config = slices.Clone(m.codecs()), "", nil
	return a
}

// text is the JSON of the configuration. What it is made of cannot fail: the raw parts
// came through the API server, or were parsed from YAML.
func (m *moduleConfig) text() string {
	b, err := json.Marshal(m)
	if err != nil {
		return "{}"
	}
	return string(b)
}

// raw is a free-form part, in one spelling.
func raw(j *apiextensionsv1.JSON) json.RawMessage {
	if j == nil {
		return nil
	}
	var v any
	if json.Unmarshal(j.Raw, &v) != nil {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return b
}

func duration(d *metav1.Duration) string {
	if d == nil {
		return ""
	}
	return d.Duration.String()
}
