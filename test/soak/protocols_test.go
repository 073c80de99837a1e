package soak

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/meltemi-mesh/meltemi/codecs/brpc"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo"
	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// protocol is a row of the load: a listener, a cluster, a server and clients.
type protocol struct {
	name       string // of the listener and the cluster
	definition sdk.Definition
	config     string // of the codec
	argument   string // the type of a text
	exception  string // the type of an exception
	oneWay     bool   // it has calls without an answer
	wholeCall  bool   // times count for filters too, not for the server alone
}

// protocols are all rows. Replies of Thrift are paired by their ids and by their order.
var protocols = []*protocol{
	{name: "dubbo", definition: dubbo.Definition(), config: `{}`, argument: "java.lang.String", exception: "soak.Failure", oneWay: true, wholeCall: true},
	{name: "thrift", definition: thrift.Definition(), config: `{"transport":"theader","protocol":"compact","replies":"by_id"}`, argument: "string", exception: "INTERNAL_ERROR", oneWay: true},
	{name: "ordered", definition: thrift.Definition(), config: `{"transport":"ttheader","protocol":"binary"}`, argument: "string", exception: "INTERNAL_ERROR", oneWay: true, wholeCall: true},
	{name: "brpc", definition: brpc.Definition(), config: `{}`, argument: "string", exception: "EINTERNAL"},
}

// codec returns the codec of a connection.
func (p *protocol) codec(tb testing.TB) sdk.Codec {
	tb.Helper()
	codec, err := p.definition.New([]byte(p.config))
	if err != nil {
		tb.Fatal(err)
	}
	if c, ok := codec.(sdk.PerConnection); ok {
		return c.NewConnection()
	}
	return codec
}

// json is the codec as mesh files name it.
func (p *protocol) json() string {
	return fmt.Sprintf(`{"name":%q,"config":%s}`, p.definition.Name, p.config)
}

// shows tells whether a message carries that text, as its argument or its result.
func shows(codec sdk.Codec, m *sdk.Message, want string) error {
	view, err := codec.(sdk.Viewer).View(m)
	if err != nil {
		return err
	}
	values := []any{view.Result}
	for _, a := range view.Arguments {
		values = append(values, a.Value)
	}
	for _, v := range values {
		if text(v) == want {
			return nil
		}
	}
	return fmt.Errorf("it carries %.200s, want %.50s of %d bytes", fmt.Sprint(values), want, len(want))
}

// text is the text in a value: some codecs know no names of what a message holds, and
// show it by its number.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case map[string]any:
		for _, member := range v {
			return text(member)
		}
	case sdk.OrderedMap:
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		var members map[string]any
		if json.Unmarshal(b, &members) != nil {
			return ""
		}
		return text(members)
	}
	return ""
}
