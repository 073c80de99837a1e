package answers

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/rpcclient"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Fact is something that an answer says.
type Fact struct {
	Path  string
	Value string // JSON
}

// The paths of statuses.
const (
	PathCode   = "status.code"
	PathNative = "status.native"
)

// Facts takes an answer apart. They are in the order of their paths, as Compare wants
// them.
func Facts(codec sdk.Codec, r *rpcclient.Reply) []Fact {
	var f facts
	f.add(PathCode, r.Status.Code.String())
	f.add(PathNative, r.Status.Native)
	if len(r.Status.Message) > 0 {
		f.add("status.message", string(r.Status.Message))
	}
	for _, e := range r.Metadata {
		f.add("metadata"+step(string(e.Key)), string(e.Value))
	}
	if !r.Viewed || r.ViewErr != nil {
		f.add("message", digest(codec, r.Frame))
		return f.sorted()
	}
	for _, e := range r.View.Fields {
		f.add("fields"+step(string(e.Key)), string(e.Value))
	}
	if x := r.View.Exception; x != nil {
		f.add("exception.type", x.Type)
		f.add("exception.message", x.Message)
	} else {
		f.add("result", r.View.Result)
	}
	return f.sorted()
}

// StatusFacts are those of an answer of which no more than its status is known; a native
// status only if a server told it.
func StatusFacts(code string, native int, told bool) []Fact {
	var f facts
	f.add(PathCode, code)
	if told {
		f.add(PathNative, native)
	}
	return f.sorted()
}

// digest stands for a message whose content no codec shows.
func digest(codec sdk.Codec, frame []byte) string {
	if b, err := rpcclient.WithID(codec, frame, 0); err == nil {
		frame = b
	}
	return fmt.Sprintf("%d bytes, sha256 %x", len(frame), sha256.Sum256(frame))
}

type facts []Fact

// add adds a value, in its parts if it has some.
func (f *facts) add(path string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		text = []byte(strconv.Quote(fmt.Sprint(value))) // such as an infinite number
	}
	var plain any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if d.Decode(&plain) != nil {
		plain = string(text)
	}
	f.walk(path, plain)
}

func (f *facts) walk(path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			f.walk(path+step(key), item)
		}
		if len(v) > 0 {
			return
		}
	case []any:
		for i, item := range v {
			f.walk(path+"["+strconv.Itoa(i)+"]", item)
		}
		if len(v) > 0 {
			return
		}
	case string:
		// Protocols whose results have no type of their own carry objects as text.
		var inside map[string]any
		d := json.NewDecoder(bytes.NewReader([]byte(v)))
		d.UseNumber()
		if d.Decode(&inside) == nil && len(inside) > 0 && !d.More() {
			f.walk(path, inside)
			return
		}
	}
	*f = append(*f, Fact{path, compact(value)})
}

func compact(value any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return strconv.Quote(fmt.Sprint(value))
	}
	return string(bytes.TrimRight(b.Bytes(), "\n"))
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_$-]+$`)

// step is the part of a path that leads to a key.
func step(key string) string {
	if plainKey.MatchString(key) {
		return "." + key
	}
	return "[" + compact(key) + "]"
}

func (f *facts) sorted() []Fact {
	slices.SortStableFunc(*f, func(a, b Fact) int { return cmp.Compare(a.Path, b.Path) })
	return *f
}
