package arguments

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["entries"],
  "properties": {
    "entries": {"type": "array", "minItems": 1, "maxItems": 32, "items": {
      "type": "object",
      "additionalProperties": false,
      "required": ["name", "methods", "path"],
      "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,63}$",
          "description": "of the local entry: NAME is the header x-rpc-local-NAME"},
        "methods": ` + filter.MethodsSchema + `,
        "path": {"type": ["string", "integer"], "minLength": 1, "maxLength": 512,
          "description": "where the value stands, such as 0.customer.id; see the codec"},
        "missing": {"enum": ["skip", "refuse"], "default": "skip",
          "description": "what becomes of calls without the value"},
        "unreadable": {"enum": ["skip", "refuse"], "default": "refuse",
          "description": "what becomes of calls in which it cannot be read for certain, or is too long"},
        "max_bytes": {"type": "integer", "minimum": 1, "maximum": 4096, "default": 256,
          "description": "the longest value, in bytes"}
      }
    }, "description": "the first of them with a name and the method of a call decides"}
  }
}`

// Bounds of the configuration.
const (
	maxEntries      = 32
	maxBytes        = 4096
	defaultMaxBytes = 256
)

// What becomes of a call.
const (
	skip   = "skip"
	refuse = "refuse"
)

// settings are the JSON form of the configuration, of the filter and of routes.
type settings struct {
	Entries []entry `json:"entries"`
}

// entry is an argument to be shown.
type entry struct {
	Name       string         `json:"name"`
	Methods    filter.Methods `json:"methods"`
	Path       sdk.Path       `json:"path"`
	Missing    string         `json:"missing"`
	Unreadable string         `json:"unreadable"`
	MaxBytes   *int           `json:"max_bytes"` // not nil once checked
}

// list are the entries of one configuration.
type list struct {
	entries []entry
	names   []string // each once
}

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

	errNoEntries = errors.New("entries: there are none")
	errName      = errors.New("not lower-case letters, digits and '-', 64 at most")
	errNoMethods = errors.New("methods: there are none; \"*\" are all")
	errNoPath    = errors.New("path: there is none")
)

func newList(config []byte) (*list, error) {
	var s settings
	if err := sdk.ParseConfig(config, &s); err != nil {
		return nil, err
	}
	switch {
	case len(s.Entries) == 0:
		return nil, errNoEntries
	case len(s.Entries) > maxEntries:
		return nil, fmt.Errorf("entries: %d are more than %d", len(s.Entries), maxEntries)
	}
	l := &list{entries: s.Entries}
	for i := range l.entries {
		e := &l.entries[i]
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("entries[%d]: %w", i, err)
		}
		if !slices.Contains(l.names, e.Name) {
			l.names = append(l.names, e.Name)
		}
	}
	return l, nil
}

// check checks an entry and fills in what it leaves out.
func (e *entry) check() error {
	if e.MaxBytes == nil {
		usual := defaultMaxBytes
		e.MaxBytes = &usual
	}
	switch most := *e.MaxBytes; {
	case !namePattern.MatchString(e.Name):
		return fmt.Errorf("name %q: %w", e.Name, errName)
	case e.Methods.Empty():
		return errNoMethods
	case len(e.Path.Steps) == 0:
		return errNoPath
	case most < 1 || most > maxBytes:
		return fmt.Errorf("max_bytes: %d is not between 1 and %d", most, maxBytes)
	}
	if err := choice("missing", &e.Missing, skip); err != nil {
		return err
	}
	return choice("unreadable", &e.Unreadable, refuse)
}

// choice checks one of the fields that say what becomes of a call.
func choice(field string, value *string, usual string) error {
	switch *value {
	case "":
		*value = usual
	case skip, refuse:
	default:
		return fmt.Errorf("%s: %q is neither %q nor %q", field, *value, skip, refuse)
	}
	return nil
}

// of returns the entry that decides about a name in calls of a method, nil if none does.
func (l *list) of(name, service, method string) *entry {
	for i := range l.entries {
		if e := &l.entries[i]; e.Name == name && e.Methods.Match(service, method) {
			return e
		}
	}
	return nil
}
