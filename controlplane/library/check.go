package library

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// codec is a codec in the library's configuration.
type codec struct {
	Name   string          `json:"name"`
	Config json.RawMessage `json:"config"`
}

// settings are what of the library's configuration can be wrong although the definition of
// CodecBinding takes it. The library refuses the same, and with it all of a listener: that
// of proxies of clients is one for all services of a port number.
type settings struct {
	codec

	Auto           []codec           `json:"auto"`
	Hosts          map[string]string `json:"hosts"`
	Expose         []string          `json:"expose"`
	TracingHeaders []string          `json:"tracing_headers"`
	Oneway         []string          `json:"oneway"`
	SniffTimeout   string            `json:"sniff_timeout"`
}

// reserved are headers that no client sets, whatever a binding lists; a dash at the end
// stands for all that begin so.
var reserved = []string{
	"content-type", "content-length", "te", "trailer", "host", "connection", "keep-alive", "proxy-connection",
	"transfer-encoding", "upgrade", "expect", "grpc-", "x-rpc-", "x-meltemi-", "x-envoy-", "x-forwarded-",
}

// check judges the library's configuration. Fields are called as in a CodecBinding.
func (l *Library) check(config []byte) error {
	var c settings
	if err := json.Unmarshal(config, &c); err != nil {
		return err
	}
	var problems []error
	for _, one := range append(c.Auto, c.codec) {
		if err := judge(l.schemas[one.Name], one.Config); err != nil {
			problems = append(problems, fmt.Errorf("config of %s: %w", one.Name, err))
		}
	}
	return errors.Join(append(problems, c.problems()...)...)
}

func (c *settings) problems() (all []error) {
	add := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }
	for i, pattern := range c.Expose {
		if _, err := path.Match(pattern, ""); err != nil {
			add("expose[%d]: %q is not a pattern", i, pattern)
		}
	}
	for i, name := range c.TracingHeaders {
		switch lower := strings.ToLower(name); {
		case name == "" || strings.ContainsFunc(lower, isNoNameRune):
			add("tracingHeaders[%d]: %q is not the name of a header", i, name)
		case slices.ContainsFunc(reserved, func(r string) bool { return lower == r || strings.HasSuffix(r, "-") && strings.HasPrefix(lower, r) }):
			add("tracingHeaders[%d]: %q is reserved", i, name)
		}
	}
	for i, method := range c.Oneway {
		if service, name, ok := strings.Cut(method, "/"); !ok || service == "" || name == "" {
			add("oneway[%d]: %q is not service/method", i, method)
		}
	}
	if d, err := time.ParseDuration(c.SniffTimeout); c.SniffTimeout != "" && (err != nil || d <= 0) {
		add("sniffTimeout: it has to be longer than 0s")
	}
	for service, host := range c.Hosts {
		if host == "" {
			add("hosts: %q has no host", service)
		}
	}
	return all
}

// isNoNameRune tells whether no name of a header, in lower case, has a rune.
func isNoNameRune(r rune) bool {
	return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|", r))
}

// checkFilter judges the configuration of a layer-7 filter. One without a configuration of
// its own is judged as an empty one.
func (l *Library) checkFilter(name string, config []byte) error {
	var of struct {
		Config json.RawMessage `json:"config"`
	}
	if err := json.Unmarshal(config, &of); err != nil {
		return err
	}
	if len(of.Config) == 0 {
		of.Config = []byte("{}")
	}
	if err := judge(l.filterSchemas[name], of.Config); err != nil {
		return fmt.Errorf("config of %s: %w", name, err)
	}
	return nil
}

// judge judges a configuration by a schema; there need not be either.
func judge(schema *jsonschema.Schema, config []byte) error {
	if schema == nil || len(config) == 0 {
		return nil
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(config)))
	if err == nil {
		err = schema.Validate(value)
	}
	return brief(err)
}

// brief leaves the URL of the schema out of an error.
func brief(err error) error {
	invalid, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err
	}
	_, text, ok := strings.Cut(invalid.Error(), "\n")
	if !ok {
		return err
	}
	return errors.New(strings.ReplaceAll(strings.TrimPrefix(strings.TrimSpace(text), "- "), "\n", "; "))
}
