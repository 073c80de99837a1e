package main

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// callObject is the JSON of one call.
type callObject struct {
	OK        bool             `json:"ok"`
	Service   string           `json:"service"`
	Method    string           `json:"method"`
	OneWay    bool             `json:"oneway,omitempty"`
	Status    *statusObject    `json:"status,omitempty"`
	Result    any              `json:"result"`
	Exception *exceptionObject `json:"exception,omitempty"`
	Metadata  sdk.OrderedMap   `json:"metadata"`
	Bytes     int              `json:"bytes,omitempty"`
	LatencyMS float64          `json:"latency_ms"`
	Error     string           `json:"error,omitempty"` // no answer, or one that cannot be shown
}

type statusObject struct {
	Code    string `json:"code"`
	Native  int    `json:"native"`
	Message string `json:"message,omitempty"`
}

type exceptionObject struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func (p callPrinter) singleJSON(r *callResult) error {
	o := callObject{
		OK: r.ok(), Service: r.request.Service, Method: r.request.Method, OneWay: r.request.OneWay,
		Metadata: sdk.OrderedMap{}, LatencyMS: float64(r.latency) / float64(time.Millisecond),
	}
	if r.err != nil {
		o.Error = r.err.Error()
	}
	if a := r.reply; a != nil {
		o.Status = &statusObject{a.Status.Code.String(), a.Status.Native, string(a.Status.Message)}
		o.Result, o.Bytes = a.View.Result, a.Size
		if x := a.View.Exception; x != nil {
			o.Exception = &exceptionObject{x.Type, x.Message}
		}
		if a.ViewErr != nil {
			o.Error = a.ViewErr.Error()
		}
		for _, e := range a.Metadata {
			o.Metadata = append(o.Metadata, sdk.MapEntry{Key: string(e.Key), Value: string(e.Value)})
		}
	}
	return writeJSON(p.out, o)
}

// writeJSON writes v as one line.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// indentJSON is v for people: JSON on several lines that are indented by two more.
func indentJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	if err := e.Encode(v); err != nil {
		return "(cannot be shown: " + err.Error() + ")"
	}
	return strings.TrimRight(b.String(), "\n")
}

// jsonInside is the JSON object that a result holds as text. Protocols whose results have
// the type that the caller expects, and no type of their own, carry objects like that:
// "meltemi serve thrift" does.
func jsonInside(result any) (object json.RawMessage, ok bool) {
	text, isText := result.(string)
	if !isText || !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
		return nil, false
	}
	return json.RawMessage(text), true
}
