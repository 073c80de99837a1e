package codec

import (
	"errors"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func read(t *testing.T, from sdk.Side, line string) (*sdk.Message, error) {
	t.Helper()
	m := &sdk.Message{}
	n, err := Codec{}.Decode(from, []byte(line+"next"), m)
	if err != nil || n != len(line) {
		t.Fatalf("%d of %d bytes: %v", n, len(line), err)
	}
	m.Bytes = []byte(line)
	return m, Codec{}.Metadata(m)
}

func TestLines(t *testing.T) {
	m, err := read(t, sdk.FromClient, "shop.Orders get {\"tenant\":\"blue\",\"id\":5}\r\n")
	tenant, _ := m.Get("tenant")
	if err != nil || m.Kind != sdk.KindRequest || string(m.Service) != "shop.Orders" || string(m.Method) != "get" || string(tenant) != "blue" || len(m.Entries()) != 1 {
		t.Errorf("%v %+v", err, m)
	}
	m, err = read(t, sdk.FromServer, "error 404 \"no such order\"\n")
	if err != nil || m.Kind != sdk.KindResponse || m.Status.Native != 404 || m.Status.Code != sdk.Unknown {
		t.Errorf("%v %+v", err, m.Status)
	}
	for _, line := range []string{"\n", "one\n", "one two\n", "one two three\n", " two {}\n", "one two []\n"} {
		if _, err := read(t, sdk.FromClient, line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}

func TestLongLines(t *testing.T) {
	for n, want := range map[int]error{1: sdk.ErrNeedMore, maxLine - 1: sdk.ErrNeedMore} {
		if _, err := (Codec{}).Decode(sdk.FromClient, []byte(strings.Repeat("x", n)), &sdk.Message{}); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	var lost *sdk.ConnectionError
	if _, err := (Codec{}).Decode(sdk.FromClient, []byte(strings.Repeat("x", maxLine)+"\n"), &sdk.Message{}); !errors.As(err, &lost) {
		t.Errorf("too long a line: %v", err)
	}
}

func TestChanges(t *testing.T) {
	m, err := read(t, sdk.FromClient, "a.B c {\"k\":\"v\"}\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Codec{}.Encode(nil, m, &sdk.Mutation{Method: []byte("d"), NewID: true, Optional: []sdk.Entry{{Key: []byte("traceparent"), Value: []byte("1")}}})
	if err != nil || string(got) != "a.B d {\"k\":\"v\"}\n" {
		t.Errorf("%v %q", err, got)
	}
	if _, err := (Codec{}).Encode(nil, m, &sdk.Mutation{Set: []sdk.Entry{{Key: []byte("k"), Value: []byte("w")}}}); err == nil {
		t.Error("a changed entry was lost")
	}
	if _, err := (Codec{}).Encode(nil, m, &sdk.Mutation{Service: []byte("a\nb c {}")}); err == nil {
		t.Error("a service became a second line")
	}
	if got, err := (Codec{}).Reply(nil, sdk.Call{}, sdk.Failure{Code: sdk.Unimplemented, Message: "no\nroute"}); err != nil || string(got) != "error 404 \"no\\nroute\"\n" {
		t.Errorf("%v %q", err, got)
	}
}
