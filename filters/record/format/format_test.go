package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var created = time.Date(2026, time.November, 25, 6, 0, 0, 123456789, time.UTC)

func header() *Header {
	return &Header{Created: created, Codecs: []Codec{{Name: "dubbo", Config: json.RawMessage(`{"a":1}`)}, {Name: "thrift"}}}
}

func call() *Call {
	return &Call{
		Time: created, LatencyMS: 1.5, Codec: "dubbo", Kind: KindRequest, Service: "a<b>&c", Method: "get", TimeoutMS: 5000,
		Metadata: map[string]string{"b": "2", "a": "1"}, Source: "10.0.0.1:5", Status: &Status{Code: "OK", Native: 20},
		Request:  &Message{Bytes: 3, Frame: []byte{0xda, 0xbb, 0}},
		Response: &Message{Bytes: 1 << 20, Omitted: OmittedSize}, Redacted: []string{"token"},
	}
}

// lines is a file.
func lines(tb testing.TB, list ...liner) string {
	tb.Helper()
	var b []byte
	for _, l := range list {
		var err error
		if b, err = l.Append(b); err != nil {
			tb.Fatal(err)
		}
	}
	return string(b)
}

// liner is a Header or a Call.
type liner interface {
	Append(dst []byte) ([]byte, error)
}

// TestLines pins what is written: others read it too.
func TestLines(t *testing.T) {
	const want = `{"type":"header","format":"meltemi-calls","version":1,"created":"2026-11-25T06:00:00.123456789Z",` +
		`"codecs":[{"name":"dubbo","config":{"a":1}},{"name":"thrift"}]}
{"type":"call","time":"2026-11-25T06:00:00.123456789Z","latency_ms":1.5,"codec":"dubbo","kind":"request","service":"a<b>&c",` +
		`"method":"get","timeout_ms":5000,"metadata":{"a":"1","b":"2"},"source":"10.0.0.1:5","status":{"code":"OK","native":20},` +
		`"request":{"bytes":3,"frame":"2rsA"},"response":{"bytes":1048576,"omitted":"size"},"redacted":["token"]}
`
	if got := lines(t, header(), call()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReader(t *testing.T) {
	text := lines(t, header(), call()) + "\n" + `{"type":"later"}` + "\n" + strings.TrimRight(lines(t, call()), "\n")
	for name, from := range map[string]io.Reader{"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text))} {
		r := NewReader(from)
		for _, line := range []int{2, 5} {
			c, err := r.Next()
			if err != nil || !reflect.DeepEqual(c, call()) || r.Line() != line {
				t.Fatalf("%s: line %d: %+v, %v", name, r.Line(), c, err)
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v at the end", name, err)
		}
		if h := r.Header(); h == nil || h.Version != Version || len(h.Codecs) != 2 || string(h.Codecs[0].Config) != `{"a":1}` {
			t.Errorf("%s: header %+v", name, h)
		}
	}
}

// TestBadFiles reads files that are damaged. What stands behind a bad line is read.
func TestBadFiles(t *testing.T) {
	good, head := lines(t, call()), lines(t, header())
	long := `{"type":"call","x":"` + strings.Repeat("x", MaxLine) + `"}` + "\n"
	for name, test := range map[string]struct {
		file string
		want []string // "call", or the beginning of an error
	}{
		"empty":             {"", []string{ErrNoHeader.Error()}},
		"no header":         {good, []string{ErrNoHeader.Error()}},
		"another format":    {"hello\n", []string{ErrNoHeader.Error()}},
		"cut header":        {head[:60], []string{"line 1: the file ends in the middle of it"}},
		"newer":             {strings.Replace(head, `"version":1`, `"version":2`, 1) + good, []string{"line 1: header: version 2 is not known: this program reads up to 1"}},
		"bad header":        {strings.Replace(head, `[{`, `{`, 1), []string{"line 1: header: "}},
		"another header":    {head + `{"type":"header","format":"x"}`, []string{`line 2: header: format "x" is not "meltemi-calls"`}},
		"cut":               {head + good + good[:len(good)/2], []string{"call", "line 3: the file ends in the middle of it", "EOF"}},
		"garbage":           {head + "\x00\x01\n" + good, []string{"line 2: invalid character", "call", "EOF"}},
		"no type":           {head + "{}\n[]\n" + good, []string{`line 2: "type" is missing`, "line 3: json: cannot unmarshal array", "call", "EOF"}},
		"no kind":           {head + `{"type":"call","codec":"x","kind":"y"}` + "\n", []string{`line 2: kind "y" is neither request nor oneway`, "EOF"}},
		"no codec":          {head + `{"type":"call","kind":"oneway"}` + "\n", []string{`line 2: codec is missing`, "EOF"}},
		"no base64":         {head + strings.Replace(good, "2rsA", "2r!A", 1) + good, []string{"line 2: illegal base64", "call", "EOF"}},
		"long":              {head + long + good, []string{"line 2: longer than 67108864 bytes", "call", "EOF"}},
		"long and cut":      {head + long[:len(long)-5], []string{"line 2: longer than 67108864 bytes", "EOF"}},
		"several in one":    {head + good + head + good, []string{"call", "call", "EOF"}},
		"only a header":     {head, []string{"EOF"}},
		"lines of Windows":  {strings.ReplaceAll(head+good, "\n", "\r\n"), []string{"call", "EOF"}},
		"no end of a line":  {strings.TrimRight(head+good, "\n"), []string{"call", "EOF"}},
		"type of no string": {head + `{"type":5}` + "\n", []string{"line 2: json: cannot unmarshal number", "EOF"}},
	} {
		r := NewReader(strings.NewReader(test.file))
		for _, want := range test.want {
			c, err := r.Next()
			got := "call"
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, want) || (c == nil) != (err != nil) {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
	}
}

// TestFatalErrorsStay reads on where nothing can be read.
func TestFatalErrorsStay(t *testing.T) {
	broken := errors.New("broken")
	for _, r := range []*Reader{NewReader(strings.NewReader("x")), NewReader(iotest.ErrReader(broken)), NewReader(io.MultiReader(strings.NewReader(lines(t, header())), iotest.ErrReader(broken)))} {
		_, first := r.Next()
		_, second := r.Next()
		if first == nil || !errors.Is(second, first) {
			t.Errorf("%v, then %v", first, second)
		}
	}
}

// FuzzReader reads whatever a file can hold. A call that is read is written and read
// again as the same, and each error is of a line, or the last.
func FuzzReader(f *testing.F) {
	head, good := lines(f, header()), lines(f, call())
	for _, seed := range []string{head + good, head + good[:50], head + "\n{}\n" + good, good, head + head} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r := NewReader(bytes.NewReader(file))
		for range len(file) + 2 {
			c, err := r.Next()
			var bad *LineError
			switch {
			case errors.As(err, &bad):
				if bad.Line != r.Line() {
					t.Fatalf("line %d, the reader is at %d", bad.Line, r.Line())
				}
				continue
			case err != nil:
				return
			}
			again, err := NewReader(strings.NewReader(lines(t, header()) + lines(t, c))).Next()
			if err != nil {
				t.Fatalf("%+v: %v", c, err)
			}
			if a, b := lines(t, c), lines(t, again); a != b {
				t.Fatalf("got  %s\nwant %s", b, a)
			}
		}
		t.Fatal("it does not end")
	})
}
