package cache

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

// The defaults of the configuration.
const (
	defaultName          = "cache"
	defaultMaxBytes      = 64 << 20
	defaultMaxEntries    = 10_000
	defaultMaxEntryBytes = 1 << 20
	defaultControl       = "cache-control"
	defaultWait          = 5 * time.Second
)

// maxNamed is how many entries a rule may name. Each is a lookup for each call.
const maxNamed = 16

const rulesSchema = `{"type": "array", "description": "the first rule that selects a call counts", "items": {
      "type": "object", "additionalProperties": false, "required": ["methods", "ttl"],
      "properties": {
        "methods": ` + filter.MethodsSchema + `,
        "ttl": {"type": "string", "description": "how long an answer is good, such as \"30s\""},
        "shared": {"type": "boolean", "description": "answers do not depend on the caller"},
        "caller_metadata": {"type": "string", "description": "the entry of calls that names the caller, beside the certificate"},
        "caller_local": {"type": "string", "description": "likewise an entry that a filter before this one has set"},
        "metadata": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1}, "description": "entries of calls on which answers depend"},
        "local": {"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1}, "description": "likewise entries that a filter before this one has set"},
        "max_entry_bytes": {"type": "integer", "minimum": 1, "default": 1048576, "description": "the longest answer that is kept"},
        "wait": {"type": "string", "default": "5s", "description": "how long a call waits for the answer to another; 0s: not at all"}
      }
    }}`

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["rules"],
  "properties": {
    "name": {"type": "string", "minLength": 1, "default": "cache", "description": "the label of the metrics"},
    "max_bytes": {"type": "integer", "minimum": 257, "default": 67108864, "description": "how much memory the entries may take"},
    "max_entries": {"type": "integer", "minimum": 1, "default": 10000, "description": "how many entries there may be"},
    "control": {"type": "string", "default": "cache-control",
      "description": "the entry of calls and answers that says no-cache, no-store or max-age; empty: none does"},
    "rules": ` + rulesSchema + `
  }
}`

const routeSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "rules": ` + rulesSchema + `
  }
}`

// settings are the JSON form of the configuration, routeSettings that of a route.
type settings struct {
	Name       string         `json:"name"`
	MaxBytes   int            `json:"max_bytes"`
	MaxEntries int            `json:"max_entries"`
	Control    string         `json:"control"`
	Rules      []ruleSettings `json:"rules"`
}

type routeSettings struct {
	Rules []ruleSettings `json:"rules"`
}

type ruleSettings struct {
	Methods        filter.Methods   `json:"methods"`
	TTL            filter.Duration  `json:"ttl"`
	Shared         bool             `json:"shared"`
	CallerMetadata string           `json:"caller_metadata"`
	CallerLocal    string           `json:"caller_local"`
	Metadata       []string         `json:"metadata"`
	Local          []string         `json:"local"`
	MaxEntryBytes  *int             `json:"max_entry_bytes"`
	Wait           *filter.Duration `json:"wait"`
}

// parse reads the configuration.
func parse(config []byte) (settings, []rule, error) {
	s := settings{Name: defaultName, MaxBytes: defaultMaxBytes, MaxEntries: defaultMaxEntries, Control: defaultControl}
	if err := sdk.ParseConfig(config, &s); err != nil {
		return s, nil, err
	}
	switch {
	case s.Name == "":
		return s, nil, errors.New("name: it is empty")
	case s.MaxBytes <= entryBytes:
		return s, nil, fmt.Errorf("max_bytes: %d is less than %d, which the shortest answer takes", s.MaxBytes, entryBytes+1)
	case s.MaxEntries < 1:
		return s, nil, fmt.Errorf("max_entries: %d is less than 1", s.MaxEntries)
	case s.Rules == nil:
		return s, nil, errNoRules
	}
	rules, err := rulesOf(s.Rules)
	return s, rules, err
}

// routeRules is what a route says.
type routeRules struct{ rules []rule }

// newRoute is Definition.NewRoute.
func newRoute(config []byte) (any, error) {
	var s routeSettings
	if err := sdk.ParseConfig(config, &s); err != nil {
		return nil, err
	}
	rules, err := rulesOf(s.Rules)
	return &routeRules{rules}, err
}

// rule tells what is kept of some methods.
type rule struct {
	methods         filter.Methods
	ttl, wait       time.Duration
	shared          bool
	caller          string // the key of an entry; "" if none names the caller
	callerIsLocal   bool
	metadata, local []string // keys
	inMessage       [][]byte // metadata, and the caller's key if that is metadata
	maxEntryBytes   int
}

func rulesOf(list []ruleSettings) ([]rule, error) {
	rules := make([]rule, 0, len(list))
	for i := range list {
		r, err := list[i].rule()
		if err != nil {
			return nil, fmt.Errorf("rules[%d].%w", i, err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

var (
	errNoRules    = errors.New("rules: they are missing; [] leaves them to routes")
	errUnnamed    = errors.New("an entry has no key")
	errNoMethods  = errors.New("methods: there are none")
	errTwoCallers = errors.New("caller_local: caller_metadata names the caller already")
	errShared     = errors.New("shared: a rule that is shared has no caller")
)

func (s *ruleSettings) rule() (rule, error) {
	r := rule{
		methods: s.Methods, ttl: time.Duration(s.TTL), wait: defaultWait, shared: s.Shared, caller: s.CallerMetadata,
		metadata: keys(s.Metadata), local: keys(s.Local), maxEntryBytes: defaultMaxEntryBytes,
	}
	if s.CallerLocal != "" {
		r.caller, r.callerIsLocal = s.CallerLocal, true
	}
	if s.MaxEntryBytes != nil {
		r.maxEntryBytes = *s.MaxEntryBytes
	}
	if s.Wait != nil {
		r.wait = time.Duration(*s.Wait)
	}
	switch {
	case r.methods.Empty():
		return r, errNoMethods
	case r.ttl == 0:
		return r, fmt.Errorf("ttl: %v is no time to keep an answer", r.ttl)
	case r.maxEntryBytes < 1:
		return r, fmt.Errorf("max_entry_bytes: %d is less than 1", r.maxEntryBytes)
	case s.CallerLocal != "" && s.CallerMetadata != "":
		return r, errTwoCallers
	case r.shared && r.caller != "":
		return r, errShared
	case slices.Contains(r.metadata, ""):
		return r, fmt.Errorf("metadata: %w", errUnnamed)
	case slices.Contains(r.local, ""):
		return r, fmt.Errorf("local: %w", errUnnamed)
	case len(r.metadata) > maxNamed || len(r.local) > maxNamed:
		return r, fmt.Errorf("metadata, local: more than %d entries", maxNamed)
	}
	for _, key := range r.metadata {
		r.inMessage = append(r.inMessage, []byte(key))
	}
	if s.CallerMetadata != "" {
		r.inMessage = append(r.inMessage, []byte(s.CallerMetadata))
	}
	return r, nil
}

// keys are keys in one spelling and order, so that rules that say the same have the same
// answers.
func keys(list []string) []string {
	all := make([]string, 0, len(list))
	for _, key := range list {
		all = append(all, strings.Map(lower, key))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// lower is a letter as headers have it: they know no case of ASCII's letters, and that of
// all others.
func lower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

// ruleOf is the rule for a method, nil if there is none.
func ruleOf(rules []rule, service, method string) *rule {
	for i := range rules {
		if rules[i].methods.Match(service, method) {
			return &rules[i]
		}
	}
	return nil
}
