package record

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

func TestConfigurationIsStrict(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 65)
	with := func(settings string) string { return `{"directory":"` + folder + `",` + settings + `}` }
	for config, want := range map[string]string{
		``:                                         `directory: missing`,
		`{"directory": "/nonexistent"}`:            `directory: stat /nonexistent: no such file`,
		`{"directory": "` + file + `"}`:            `file is none`,
		with(`"sampel": 1`):                        `unknown field "sampel"`,
		with(`"sample": 1.1`):                      `sample: 1.1 is not between 0 and 1`,
		with(`"name": "../x"`):                     `name: "../x" is not`,
		with(`"methods": []`):                      `methods: an empty list`,
		with(`"methods": ["get"]`):                 `"get" is not SERVICE/METHOD`,
		with(`"slower_than": "1"`):                 `"1" is not a duration such as "5s"`,
		with(`"slower_than": "-1s"`):               `"-1s" is negative`,
		with(`"max_file_age": 5`):                  `5 is not a duration`,
		with(`"redact": [""]`):                     `redact[0]: "" is not 1 to 64 printable`,
		with(`"redact": ["a", "schlüssel"]`):       `redact[1]: "schlüssel" is not`,
		with(`"redact": ["` + long + `"]`):         `is not 1 to 64 printable`,
		with(`"redact": [` + manyNames(101) + `]`): `redact: 101 names are more than 100`,
		with(`"max_message_bytes": 16777217`):      `max_message_bytes: 16777217 is not between 1 and 16777216`,
		with(`"max_file_bytes": 1`):                `max_file_bytes: 1 is not between`,
		with(`"keep": 0`):                          `keep: 0 is not between`,
		with(`"max_pending_bytes": 1`):             `max_pending_bytes: 1 is not between`,
		with(`"max_pending_bytes": 1, "x": []`):    `unknown field "x"`,
	} {
		if _, err := filtertest.Try(t, Definition(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	for config, want := range map[string]string{
		`{}`: `sample: missing`, `{"sample": 2}`: `sample: 2 is not`, `{"off": true}`: `unknown field "off"`,
	} {
		if _, err := parseRoute([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("route %s: %v, want %q", config, err, want)
		}
	}
}

func manyNames(n int) string { return strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") }

// TestSchema compares the schema with what is read.
func TestSchema(t *testing.T) {
	var published struct {
		Properties map[string]struct{ Default any }
	}
	if err := json.Unmarshal([]byte(schema), &published); err != nil {
		t.Fatal(err)
	}
	s, err := parseSettings([]byte(`{"directory":"` + t.TempDir() + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	s.MaxFileAge /= filter.Duration(time.Hour) // no text, but a number of hours
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := json.Unmarshal(b, &defaults); err != nil {
		t.Fatal(err)
	}
	for field, p := range published.Properties {
		got, known := defaults[field]
		if delete(defaults, field); !known {
			t.Errorf("%s is not read", field)
		}
		if field == "max_file_age" {
			p.Default = float64(1)
		}
		if p.Default != nil && p.Default != got {
			t.Errorf("%s: the default is %v, the schema says %v", field, got, p.Default)
		}
	}
	if len(defaults) > 0 {
		t.Errorf("not in the schema: %v", defaults)
	}
}
