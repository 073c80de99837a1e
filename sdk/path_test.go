package sdk_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func TestPaths(t *testing.T) {
	number := func(n int, name string) sdk.Step { return sdk.Step{Name: name, Number: n, IsNumber: true} }
	name := func(name string) sdk.Step { return sdk.Step{Name: name} }
	for text, want := range map[string]sdk.Path{
		"0":                {Steps: []sdk.Step{number(0, "0")}},
		"0.customer.id":    {Steps: []sdk.Step{number(0, "0"), name("customer"), name("id")}},
		"3.-1:sint64":      {Steps: []sdk.Step{number(3, "3"), number(-1, "-1")}, Type: "sint64"},
		`1.a\.b\:c\\d.e`:   {Steps: []sdk.Step{number(1, "1"), name(`a.b:c\d`), name("e")}},
		"01.+1.-0.grüße":   {Steps: []sdk.Step{name("01"), name("+1"), name("-0"), name("grüße")}},
		"2147483648":       {Steps: []sdk.Step{name("2147483648")}},
		"-2147483648:bool": {Steps: []sdk.Step{number(-1<<31, "-2147483648")}, Type: "bool"},
	} {
		got, err := sdk.ParsePath(text)
		if err != nil || !slices.Equal(got.Steps, want.Steps) || got.Type != want.Type {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%s is written %s", text, got.String())
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "a step is empty",
		"0.":                               "a step is empty",
		"0..a":                             "a step is empty",
		".0":                               "a step is empty",
		":string":                          "a step is empty",
		"0:":                               "no type follows",
		"0:a:b":                            "second colon",
		"0:a.b":                            "a dot in the type",
		`0.a\`:                             "nothing follows a backslash",
		strings.Repeat("a", 513):           "longer than 512 bytes",
		strings.Repeat("a.", 16) + "a":     "more than 16 steps",
		strings.Repeat("a.", 255) + "a:b.": "longer",
	} {
		if p, err := sdk.ParsePath(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v, want %q", text, p, err, want)
		}
	}
}

func TestPathsInConfigurations(t *testing.T) {
	var config struct{ Path sdk.Path }
	if err := json.Unmarshal([]byte(`{"path": "0.id"}`), &config); err != nil || config.Path.String() != "0.id" {
		t.Errorf("%+v, %v", config, err)
	}
	if err := json.Unmarshal([]byte(`{"path": 17}`), &config); err != nil || config.Path.String() != "17" {
		t.Errorf("%+v, %v", config, err)
	}
	for _, number := range []string{"5.10", "1e3", "true", "{}", "null "} {
		if err := json.Unmarshal([]byte(`{"path": [`+number+`]}`), &struct{ Path []sdk.Path }{}); err == nil || !strings.Contains(err.Error(), "written in quotes") {
			t.Errorf("%s: %v", number, err)
		}
	}
	if err := json.Unmarshal([]byte(`{"path": "0."}`), &config); err == nil || !strings.Contains(err.Error(), `path "0.": a step is empty`) {
		t.Errorf("%v", err)
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"0.customer.id", `3.-1:sint64`, `1.a\.b\:c\\d.e`, ":", `\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := sdk.ParsePath(text)
		if err != nil {
			return
		}
		again, err := sdk.ParsePath(p.String())
		if len(p.String()) <= sdk.MaxPathBytes && (err != nil || !slices.Equal(again.Steps, p.Steps) || again.Type != p.Type) {
			t.Fatalf("%q is %+v, which is written %q, which is %+v, %v", text, p, p.String(), again, err)
		}
	})
}
