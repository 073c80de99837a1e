package record

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

const schema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["directory"],
  "properties": {
    "directory": {"type": "string", "minLength": 1, "description": "where the files are; it has to exist"},
    "name": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", "default": "calls",
      "description": "what the names of the files begin with"},
    "methods": ` + filter.MethodsSchema + `,
    "metadata": {"type": "object", "additionalProperties": {"type": "string"},
      "description": "values that entries must have; a * at the end stands for any rest"},
    "sample": {"type": "number", "minimum": 0, "maximum": 1, "default": 1, "description": "the share of the calls that match"},
    "errors_only": {"type": "boolean", "default": false, "description": "only calls that fail"},
    "slower_than": {"type": "string", "description": "only calls that take longer, such as 200ms"},
    "payload": {"type": "boolean", "default": true, "description": "the messages too"},
    "max_message_bytes": {"type": "integer", "minimum": 1, "maximum": 16777216, "default": 1048576,
      "description": "a longer message is left out"},
    "redact": {"type": "array", "maxItems": 100, "items": {"type": "string", "pattern": "^[ -~]{1,64}$"},
      "description": "entries of both sides' metadata that are taken out"},
    "max_file_bytes": {"type": "integer", "minimum": 65536, "default": 67108864, "description": "a new file is begun then"},
    "max_file_age": {"type": "string", "default": "1h", "description": "likewise; 0s: never"},
    "keep": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 10, "description": "how many files of that name stay, beside those that are being written"},
    "max_pending_bytes": {"type": "integer", "minimum": 4096, "maximum": 1073741824, "default": 33554432,
      "description": "what open calls and the queue may hold"}
  }
}`

const routeSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "required": ["sample"],
  "properties": {
    "sample": {"type": "number", "minimum": 0, "maximum": 1, "description": "the share of this route's calls that match; 0 records none"}
  }
}`

// settings are the JSON form of the configuration.
type settings struct {
	Directory       string            `json:"directory"`
	Name            string            `json:"name"`
	Methods         *filter.Methods   `json:"methods"`
	Metadata        map[string]string `json:"metadata"`
	Sample          float64           `json:"sample"`
	ErrorsOnly      bool              `json:"errors_only"`
	SlowerThan      filter.Duration   `json:"slower_than"`
	Payload         bool              `json:"payload"`
	MaxMessageBytes int               `json:"max_message_bytes"`
	Redact          []string          `json:"redact"`
	MaxFileBytes    int64             `json:"max_file_bytes"`
	MaxFileAge      filter.Duration   `json:"max_file_age"`
	Keep            int               `json:"keep"`
	MaxPendingBytes int64             `json:"max_pending_bytes"`
}

// route is what a route says.
type route struct {
	Sample *float64 `json:"sample"`
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`)

// Bounds of the names that each message is searched for.
const (
	maxRedact = 100
	maxName   = 64 // bytes
)

// redactedName is a name whose every spelling can be found in a message.
var redactedName = regexp.MustCompile(`^[\x20-\x7e]{1,64}$`)

func parseSettings(config []byte) (*settings, error) {
	s := &settings{
		Name: "calls", Sample: 1, Payload: true, MaxMessageBytes: 1 << 20,
		MaxFileBytes: 64 << 20, MaxFileAge: filter.Duration(time.Hour), Keep: 10, MaxPendingBytes: 32 << 20,
	}
	if err := sdk.ParseConfig(config, s); err != nil {
		return nil, err
	}
	switch {
	case s.Directory == "":
		return nil, errors.New("directory: missing: where should the files be")
	case !fileName.MatchString(s.Name):
		return nil, fmt.Errorf("name: %q is not up to 64 letters, digits, '_', '.' and '-'", s.Name)
	case s.Methods != nil && s.Methods.Empty():
		return nil, errors.New("methods: an empty list records nothing")
	case len(s.Redact) > maxRedact:
		return nil, fmt.Errorf("redact: %d names are more than %d", len(s.Redact), maxRedact)
	}
	for i, key := range s.Redact {
		if !redactedName.MatchString(key) {
			return nil, fmt.Errorf("redact[%d]: %q is not 1 to %d printable characters of ASCII", i, key, maxName)
		}
	}
	for _, err := range []error{
		checkSample(s.Sample),
		between("max_message_bytes", int64(s.MaxMessageBytes), 1, 16<<20),
		between("max_file_bytes", s.MaxFileBytes, 64<<10, 1<<40),
		between("keep", int64(s.Keep), 1, 10000),
		between("max_pending_bytes", s.MaxPendingBytes, 4<<10, 1<<30),
		checkDirectory(s.Directory),
	} {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func checkSample(share float64) error {
	if !(share >= 0 && share <= 1) {
		return fmt.Errorf("sample: %v is not between 0 and 1", share)
	}
	return nil
}

func between(field string, n, least, most int64) error {
	if n < least || n > most {
		return fmt.Errorf("%s: %d is not between %d and %d", field, n, least, most)
	}
	return nil
}

// checkDirectory only looks: a check of a configuration leaves nothing behind.
func checkDirectory(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("directory: %s is none", path)
	}
	return nil
}

// parseRoute implements filter.Definition.NewRoute.
func parseRoute(config []byte) (any, error) {
	r := &route{}
	if err := sdk.ParseConfig(config, r); err != nil {
		return nil, err
	}
	if r.Sample == nil {
		return nil, errors.New("sample: missing")
	}
	if err := checkSample(*r.Sample); err != nil {
		return nil, err
	}
	return r, nil
}

// metadataRule is a value that an entry must have.
type metadataRule struct {
	key, value string
	prefix     bool // value is its beginning
}

// metadataRules are the rules of the configuration.
func (s *settings) metadataRules() []metadataRule {
	rules := make([]metadataRule, 0, len(s.Metadata))
	for key, value := range s.Metadata {
		start, prefix := strings.CutSuffix(value, "*")
		rules = append(rules, metadataRule{key, start, prefix})
	}
	return rules
}

func (r *metadataRule) match(m filter.Metadata) bool {
	value, ok := m.Get(r.key)
	if r.prefix {
		return ok && strings.HasPrefix(value, r.value)
	}
	return ok && value == r.value
}
