package spelling_test

import (
	"regexp"
	"testing"

	"github.com/meltemi-mesh/meltemi/controlplane/spelling"
)

// TestNames has the examples of section 2.1 of the design.
func TestNames(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{spelling.Path("com.shop.Orders", "find$"), "/com.shop.Orders/find$"},
		{spelling.Path("größe", ".."), "/gr~C3~B6~C3~9Fe/~2E~2E"},
		{spelling.SegmentPart("a b"), "a~20b"},
		{spelling.Header("Tenant"), "x-rpc-tenant"},
		{spelling.Header("größe"), "x-rpc-gr~c3~b6~c3~9fe"},
		{spelling.Header("Kind"), "x-rpc-_kind"},
		{spelling.Header("_local-x"), "x-rpc-__local-x"},
		{spelling.Header("X-B3-TraceId"), "x-b3-traceid"},
		{spelling.Header("a:b"), "x-rpc-a~3ab"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestUnanchored(t *testing.T) {
	for _, test := range []struct{ expr, matches, not string }{
		{"^s.*o$", "sayHello", "hello"},
		{"put|delete", "delete", "get"},
		{"^put$|^delete$", "delete", "get"},
		{"(^a)b$", "ab", "b"},
	} {
		got, err := spelling.Unanchored(test.expr)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
			continue
		}
		whole := regexp.MustCompile("^/(?:" + got + ")/$")
		if !whole.MatchString("/"+test.matches+"/") || whole.MatchString("/"+test.not+"/") {
			t.Errorf("%s became %s", test.expr, got)
		}
	}
	for _, expr := range []string{"a^b", "a$b", "(", "(?m:a$b)"} {
		if got, err := spelling.Unanchored(expr); err == nil {
			t.Errorf("%s became %s", expr, got)
		}
	}
}

func TestUnusual(t *testing.T) {
	if got := string(spelling.Unusual(`find[0-9]/x:.*`)); got != "/:" {
		t.Errorf("got %q", got)
	}
}
