package dubbo

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

func path(tb testing.TB, text string) *sdk.Path {
	tb.Helper()
	p, err := sdk.ParsePath(text)
	if err != nil {
		tb.Fatal(err)
	}
	if err := (*Codec)(nil).CheckPath(&p); err != nil {
		tb.Fatal(err)
	}
	return &p
}

// argument is the value at a path, "-" if there is none.
func argument(tb testing.TB, b []byte, text string) (string, error) {
	tb.Helper()
	c := codec(tb)
	value, found, err := c.AppendArgument([]byte("x"), read(tb, c, b), path(tb, text))
	if !strings.HasPrefix(string(value), "x") {
		tb.Errorf("%s: what was before it is gone: %q", text, value)
	}
	if !found {
		if string(value) != "x" {
			tb.Errorf("%s: no value, and %q", text, value)
		}
		return "-", err
	}
	return string(value[1:]), err
}

// orderPaths are the values of the order that Apache Dubbo wrote in each serialization.
var orderPaths = map[string]string{
	"0": "first", "1.customer.id": "c-7", "1.customer.level": "3", "1.customer.parent.id": "root",
	"1.customer.parent.parent": "-", "1.customer.parent.parent.id": "-", "1.customer.missing": "-", "1.nothing": "-",
	"1.same.id": "c-7", "1.same.parent.id": "root", "1.others.0.id": "o-0", "1.others.0.parent.id": "c-7",
	"1.others.1.level": "3", "1.others.2": "-", "1.others.0.parent.parent.id": "root",
	"1.amount": "5000000000", "1.express": "true", "1.ratio": "0.25", "1.note": "grüße 😀",
	"1.labels.zone": "eu", `1.labels.a\.b`: "4", "1.labels.big": "1.5", "1.labels.none": "-", "1.tags.1": "y", "1.tags.17": "-",
	"2.id": "alone", "2.parent.id": "-", "3": "-", "3.id": "-", "17.a.b": "-",
}

func TestArguments(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"request-order-hessian2": {
			"1.price": "19.90", "1.price.value": "19.90", "1.at": "2025-11-25T05:50:48.123Z", "1.status": "PAID", "1.again": "PAID",
			"1.status.name": "PAID", "1.again.name": "PAID",
			"1.numbers.5": "five", "1.numbers.-6": "six", "1.numbers.6": "-",
			"1.others.1.parent.level": "0",
		},
		"request-order-fastjson2": {
			"1.at": "2025-11-25T05:50:48.123Z", "1.numbers.5": "five", "1.numbers.-6": "six", "1.numbers.6": "-", "1.price": "19.90",
			"1.status": "1", "1.again": "1", // the constant's number
			"1.others.1.parent.level": "-", // 0 is not written
		},
		"request-order-fastjson": {"1.price": "19.9", "1.at": "1764049848123", "1.status": "PAID", "1.again": "PAID", "1.others.1.parent.level": "0"},
	} {
		for _, paths := range []map[string]string{orderPaths, more} {
			for p, want := range paths {
				if got, err := argument(t, frames(t)[name], p); err != nil || got != want {
					t.Errorf("%s %s: %s, %v, want %s", name, p, got, err, want)
				}
			}
		}
	}
}

func TestArgumentsOfOthers(t *testing.T) {
	for frame, paths := range map[string]map[string]string{
		"request-references": {
			"0.k": "v", "1.k": "v", "2.name": "bob", "2.friend.friend.friend.age": "7", "3.1": "2", "4.0": "a",
			"5.1": "1", "5.2": "2.5", "5.3": "true", "5.4": "-", "5.5": "-",
		},
		"request-complexdata": {
			"0": "0", "1.innerEntity.baseObjectName": "BaseObjectName", "1.localUnit": "Gz01", "1.innerEntity.venderId": "-",
			"2.0": "-", "3.xx.xx": "yy", "3.yy.yy": "yy", "3.yy.xx": "-",
		},
		"request-dubbo-go":         {"0": "bob", "1": "-"},
		"request-fastjson2":        {"0": "w"},
		"request-fastjson-object":  {"0.children.0.name": "child", "0.children.1.name": "child", "0.weight": "1.3333333333333333"},
		"request-fastjson-generic": {"0": "call 16", "1": "-"},
		"request-shared-hessian2":  {"0.0.id": "c-7", "0.1.parent.id": "root", "0.2": "NEW", "0.3": "NEW", "1.id": "c-7", "2": "-", "2.id": "-"},
		"request-shared-fastjson2": {"0.0.id": "c-7", "0.1.parent.id": "root", "0.2": "NEW", "0.3": "NEW", "1.id": "c-7", "2": "-"},
		"request-shared-fastjson":  {"0.0.id": "c-7", "0.1.parent.id": "root", "0.2": "NEW", "0.3": "NEW", "1.id": "c-7", "2": "-"},
	} {
		for p, want := range paths {
			if got, err := argument(t, frames(t)[frame], p); err != nil || got != want {
				t.Errorf("%s %s: %s, %v, want %s", frame, p, got, err, want)
			}
		}
	}
}

// TestViewsShowWherePathsLead: people write paths by what a view shows.
func TestViewsShowWherePathsLead(t *testing.T) {
	v, err := codec(t).View(read(t, codec(t), frames(t)["request-order-fastjson2"]))
	if err != nil || len(v.Arguments) != 3 {
		t.Fatalf("%+v, %v", v, err)
	}
	shown, err := json.Marshal(v.Arguments[1].Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"class":"shop.Order",`, `"at":"2025-11-25T05:50:48.123Z"`, `"customer":{"id":"c-7"`, `"same":{"ref":"$.customer"}`, `"numbers":{"class":"LM","5":"five"`,
	} {
		if !strings.Contains(string(shown), want) {
			t.Errorf("no %s in %s", want, shown)
		}
	}
}

// TestArgumentsOfGenericCalls: what a generic call hands on are its arguments.
func TestArgumentsOfGenericCalls(t *testing.T) {
	for _, serialization := range []string{"hessian2", "fastjson2", "fastjson"} {
		for p, want := range map[string]string{
			"0": "first", "1.customer.id": "c-7", "1.same.level": "3", "1.amount": "5000000000", "1.status": "PAID", "2": "-", "1.class": "shop.Order",
		} {
			if got, err := argument(t, frames(t)["request-generic-"+serialization], p); err != nil || got != want {
				t.Errorf("%s %s: %s, %v, want %s", serialization, p, got, err, want)
			}
		}
	}
}

// TestArgumentsThatAreNoText are refused, and what is wrong is named.
func TestArgumentsThatAreNoText(t *testing.T) {
	for _, test := range []struct{ frame, path, want string }{
		{"request-order-hessian2", "1", "arguments: at byte"},
		{"request-order-hessian2", "1.customer", "neither text, a number, a boolean nor a time"},
		{"request-order-hessian2", "1.others", "neither text"},
		{"request-order-hessian2", "1.customer.id.x", "neither a list, a map nor an object"},
		{"request-order-hessian2", "1.others.first", "the elements of a list have numbers"},
		{"request-order-hessian2", "1.others.-1", "the elements of a list have numbers"},
		{"request-order-hessian2", "1.customer.ID", "spelled otherwise"},
		{"request-order-hessian2", "1.customer.i_d", "spelled otherwise"},
		{"request-order-fastjson2", "1.customer", "neither text"},
		{"request-order-fastjson2", "1.customer.id.x", "neither a list nor an object"},
		{"request-order-fastjson2", "1.others.first", "the elements of a list have numbers"},
		{"request-order-fastjson2", "1.Customer.id", "spelled otherwise"},
		{"request-order-fastjson", "1.customer", "neither text"},
		{"request-order-fastjson", "1.customer.id.x", "neither a list nor an object"},
		{"request-order-fastjson", "1.others.first", "the elements of a list have numbers"},
		{"request-order-fastjson", "1.cus-tomer.id", "spelled otherwise"},
		{"request-fastjson-object", "0.friend.name", "does not lead from the top"},
		{"request-numbers-fastjson", "0.amount", "not JSON"},
	} {
		if got, err := argument(t, frames(t)[test.frame], test.path); err == nil || got != "-" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: %s, %v, want %q", test.frame, test.path, got, err, test.want)
		}
	}
}

func TestPathsAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"customer.id": "the first step is the number of an argument", "-1": "the first step", "0.id:string": "a path names none",
	} {
		p, err := sdk.ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := codec(t).CheckPath(&p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// one makes the frame of a call with one argument, which is given as it is on the wire.
func one(tb testing.TB, serial byte, argument string) []byte {
	tb.Helper()
	d := dialectOf(serial)
	b := appendHeader(nil, serial|flagRequest|flagTwoWay, 0, 1)
	for _, s := range []string{"2.0.2", "s", "0.0.0", "m", "Ljava/lang/Object;"} {
		b = d.appendString(b, s)
	}
	switch serial {
	case serialFastjson2:
		b = appendChunk(b, []byte(argument))
	case serialFastjson:
		b = append(b, argument+"\n"...)
	default:
		b = append(b, argument...)
	}
	b, err := finish(d.appendAttachments(b, nil), 0)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// TestArgumentsThatServersMayReadOtherwise are those of a client that wants policies to
// see one value and the server another.
func TestArgumentsThatServersMayReadOtherwise(t *testing.T) {
	for _, test := range []struct {
		name     string
		serial   byte
		argument string
		want     string
	}{
		{"a key twice", serialHessian2, "H\x02id\x01a\x02id\x01bZ", "there twice"},
		{"a key as text and as a number", serialHessian2, "H\x015\x01a\x95\x01bZ", "-"},
		{"a field twice", serialHessian2, "C\x01P\x92\x02id\x02id\x60\x01a\x01b", "there twice"},
		{"another spelling in a map", serialHessian2, "H\x02id\x01a\x02ID\x01bZ", "spelled otherwise"},
		{"another spelling of a field", serialHessian2, "C\x01P\x92\x02id\x03_id\x60\x01a\x01b", "spelled otherwise"},
		{"a key in two chunks", serialHessian2, "HR\x00\x01i\x01d\x01aZ", "a"},
		{"a reference to what follows", serialHessian2, "H\x02idQ\x91Z", "reference to nothing"},
		{"a reference to itself", serialHessian2, "H\x02idQ\x90Z", "neither text"},
		{"a class that is not defined", serialHessian2, "\x60\x01a", "reference to nothing"},
		{"a key twice", serialFastjson2, "\xa6\x4bid\x4aa\x4bid\x4ab\xa5", "there twice"},
		{"a key as text and as a symbol", serialFastjson2, "\xa6\x4bid\x4aa\x7f\x4bid\x00\x4ab\xa5", "there twice"},
		{"a key with null and then another value", serialFastjson2, "\xa6\x4bid\xaf\x4bid\x4ab\xa5", "there twice"},
		{"a key with a reference, null, and another value", serialFastjson2, "\xa6\x4aa\x4ax\x4bid\x93\x4c$.a\x4bid\xaf\x4bid\x4ab\xa5", "there twice"},
		{"a key with a reference and null", serialFastjson2, "\xa6\x4aa\x4ax\x4bid\x93\x4c$.a\x4bid\xaf\xa5", "x"},
		{"a reference as before, and there is none", serialFastjson2, "\xa6\x4bid\x93\x4c#-1\xa5", "a reference that"},
		{"another spelling", serialFastjson2, "\xa6\x4bid\x4aa\x4bId\x4ab\xa5", "spelled otherwise"},
		{"a reference to itself", serialFastjson2, "\xa6\x4bid\x93\x4d$.id\xa5", "too many references"},
		{"a reference with an escape", serialFastjson2, "\xa6\x4bid\x93\x4e$.\\a\x21\xa5", "a reference that"},
		{"a key twice", serialFastjson, `{"id":"a","id":"b"}`, "there twice"},
		{"a key with an escape", serialFastjson, `{"\u0069d":"a"}`, "a"},
		{"another spelling", serialFastjson, `{"id":"a","iD":"b"}`, "spelled otherwise"},
		{"a reference to itself", serialFastjson, `{"id":{"$ref":"$.id"}}`, "too many references"},
		{"a reference beside others", serialFastjson, `{"id":{"$ref":"$","x":1}}`, "a reference that"},
		{"a reference to the parent", serialFastjson, `{"id":{"$ref":".."}}`, "a reference that"},
		{"half a surrogate", serialFastjson, `{"id":"\ud800"}`, "not Unicode"},
		{"a number of many digits", serialFastjson, `{"id":123456789012345678901234567890}`, "too large"},
		{"not JSON", serialFastjson, `{id:"a"}`, "not JSON"},
	} {
		m := &sdk.Message{Kind: sdk.KindRequest, Bytes: one(t, test.serial, test.argument)}
		value, found, err := codec(t).AppendArgument(nil, m, path(t, "0.id"))
		got := string(value)
		if !found {
			got = "-"
		}
		if err != nil {
			got = err.Error()
		}
		if got != test.want && (err == nil || !strings.Contains(got, test.want)) {
			t.Errorf("%s (%d): %s, want %q", test.name, test.serial, got, test.want)
		}
	}
	numbered := &sdk.Message{Kind: sdk.KindRequest, Bytes: one(t, serialHessian2, "H\x015\x01a\x95\x01bZ")}
	if _, _, err := codec(t).AppendArgument(nil, numbered, path(t, "0.5")); err == nil {
		t.Error("a key that is there as text and as a number is taken")
	}
}

// TestArgumentsInUnknownSerializations cannot be read.
func TestArgumentsInUnknownSerializations(t *testing.T) {
	b := append([]byte(nil), frames(t)["request-order-hessian2"]...)
	b[2] = b[2]&^maskSerial | 8
	_, _, err := codec(t).AppendArgument(nil, &sdk.Message{Kind: sdk.KindRequest, Bytes: b}, path(t, "0"))
	if err == nil || !strings.Contains(err.Error(), "serialization 8") {
		t.Errorf("%v", err)
	}
}

// TestArgumentsOfCutMessages reads all prefixes of messages: no value may come out of one
// that the whole message does not have.
func TestArgumentsOfCutMessages(t *testing.T) {
	c := codec(t)
	for _, name := range []string{"request-order-hessian2", "request-order-fastjson2", "request-order-fastjson", "request-generic-hessian2"} {
		b := frames(t)[name]
		for _, text := range []string{"1.customer.id", "1.others.1.parent.level", "1.labels.zone", "2.id"} {
			whole, _, _ := c.AppendArgument(nil, &sdk.Message{Kind: sdk.KindRequest, Bytes: b}, path(t, text))
			for i := headerSize; i < len(b); i++ {
				value, found, err := c.AppendArgument(nil, &sdk.Message{Kind: sdk.KindRequest, Bytes: b[:i:i]}, path(t, text))
				if found && err != nil || found && string(value) != string(whole) {
					t.Errorf("%s %s: %d bytes have %q, %v, all have %q", name, text, i, value, err, whole)
				}
			}
		}
	}
}

// FuzzArgument reads anything in a message. A value is the same when it is read again.
func FuzzArgument(f *testing.F) {
	for name, b := range frames(f) {
		if strings.HasPrefix(name, "request-") {
			f.Add(b, "0")
			f.Add(b, "1.customer.id")
			f.Add(b, "1.others.1.parent.id")
			f.Add(b, "2.friend.friend.name")
		}
	}
	c := codec(f)
	f.Fuzz(func(t *testing.T, b []byte, text string) {
		p, err := sdk.ParsePath(text)
		if err != nil || c.CheckPath(&p) != nil || len(b) == 0 {
			return
		}
		m := &sdk.Message{}
		n, err := c.Decode(sdk.FromClient, b, m)
		if err != nil || m.Kind != sdk.KindRequest && m.Kind != sdk.KindOneWay {
			return
		}
		m.Bytes = b[:n:n]
		if c.Metadata(m) != nil {
			return
		}
		first, found, err := c.AppendArgument(nil, m, &p)
		if found && err != nil || !found && len(first) > 0 {
			t.Fatalf("%q, %v, %v", first, found, err)
		}
		again, foundAgain, _ := c.AppendArgument([]byte("x"), m, &p)
		if found != foundAgain || string(again) != "x"+string(first) {
			t.Fatalf("%q, then %q", first, again)
		}
	})
}

// TestArgumentsAllocateLittle: nothing, but for the table of names of fastjson2.
func TestArgumentsAllocateLittle(t *testing.T) {
	c := codec(t)
	dst := make([]byte, 0, 64)
	for _, test := range []struct {
		frame, path string
		most        float64
	}{
		{"request-order-hessian2", "0", 0},
		{"request-order-hessian2", "1.customer.id", 0},
		{"request-order-hessian2", "1.labels.zone", 0},
		{"request-order-hessian2", "1.amount", 0},
		{"request-generic-hessian2", "1.customer.id", 0},
		{"request-order-fastjson2", "0", 1},
		{"request-order-fastjson2", "1.customer.id", 3},
	} {
		m, p := read(t, c, frames(t)[test.frame]), path(t, test.path)
		n := testing.AllocsPerRun(100, func() {
			if _, found, err := c.AppendArgument(dst, m, p); !found || err != nil {
				t.Fatal(found, err)
			}
		})
		if n > test.most && !raceEnabled {
			t.Errorf("%s %s: %v allocations", test.frame, test.path, n)
		}
	}
}

func BenchmarkArgument(b *testing.B) {
	c := codec(b)
	for _, test := range []struct{ frame, path string }{
		{"request-order-hessian2", "0"},
		{"request-order-hessian2", "1.same.id"},
		{"request-order-hessian2", "1.customer.id"},
		{"request-order-fastjson2", "1.customer.id"},
		{"request-order-fastjson", "1.customer.id"},
		{"request-generic-hessian2", "1.customer.id"},
	} {
		b.Run(strings.TrimPrefix(test.frame, "request-")+"/"+test.path, func(b *testing.B) {
			m, p := read(b, c, frames(b)[test.frame]), path(b, test.path)
			b.ReportAllocs()
			b.SetBytes(int64(len(m.Bytes)))
			dst := make([]byte, 0, 64)
			for b.Loop() {
				if _, found, err := c.AppendArgument(dst, m, p); !found || err != nil {
					b.Fatal(found, err)
				}
			}
		})
	}
}
