package library

import (
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

func TestBuiltin(t *testing.T) {
	l, err := Parse(Builtin)
	if err != nil {
		t.Fatal(err)
	}
	var o translate.Options
	l.Options(&o)
	for config, want := range map[string]string{
		`{"name":"dubbo"}`: "",
		`{"name":"thrift","config":{"transport":"framed"}}`:                  "",
		`{"name":"thrift","config":{"transport":"pigeon"}}`:                  `config of thrift: at '/transport': value must be one of`,
		`{"name":"thrift","config":{"pigeon":1}}`:                            `config of thrift: at '': additional properties 'pigeon' not allowed`,
		`{"auto":[{"name":"dubbo"},{"name":"brpc","config":{"dialect":1}}]}`: `config of brpc: at '/dialect'`,
	} {
		err := o.CheckCodec([]byte(config))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
	if len(o.Codecs) < 3 || len(o.Filters) < 1 {
		t.Errorf("codecs %v, filters %v", o.Codecs, o.Filters)
	}
}

func TestParseWrong(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "not what meltemi codecs -o json prints",
		`{}`: "there are no codecs in it",
		`{"codecs":[{"name":"x","schema":{"type":7}}]}`: "schema of codec x",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
