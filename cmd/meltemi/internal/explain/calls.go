package explain

import (
	"errors"
	"io"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Calls explains recorded calls. A line that cannot be read is a *Problem, and so is a
// call whose codec is not to be had.
type Calls struct {
	// Codec makes the codec of a call, as the file's header configures it. It is nil
	// without an error for calls that are to be left out.
	Codec func(h *format.Header, c *format.Call) (sdk.Codec, error)
	Limit int          // greatest length of a message
	Paths []sdk.Path   // those of each Direction
	Emit  func(Record) // as in NewDirection; called with each *Call too, before its frames
}

// Read explains a file. Its error is of a file that cannot be read to its end.
func (e *Calls) Read(file io.Reader) error {
	r := format.NewReader(file)
	for number := 1; ; number++ {
		c, err := r.Next()
		var bad *format.LineError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &bad):
			number--
			e.problem(Place{Line: bad.Line}, bad.Err)
			continue
		case err != nil:
			return err
		}
		codec, err := e.Codec(r.Header(), c)
		switch {
		case err != nil:
			e.problem(Place{Call: number, Line: r.Line()}, err)
		case codec != nil:
			e.call(codec, c, number, r.Line())
		}
	}
}

func (e *Calls) problem(place Place, err error) {
	e.Emit(&Problem{Place: place, Fault: Fault{Text: err.Error(), Offset: -1}})
}

func (e *Calls) call(codec sdk.Codec, c *format.Call, number, line int) {
	known := *c
	known.Request, known.Response = withoutFrame(c.Request), withoutFrame(c.Response)
	e.Emit(&Call{Number: number, Line: line, Call: known})
	if p, ok := codec.(sdk.PerConnection); ok {
		codec = p.NewConnection()
	}
	for from, m := range []*format.Message{sdk.FromClient: c.Request, sdk.FromServer: c.Response} {
		if m != nil && m.Frame != nil {
			d := NewDirection(codec, sdk.Side(from), e.Limit, Place{Call: number, Line: line}, e.Emit)
			d.Paths = e.Paths
			at := c.Time
			if from == int(sdk.FromServer) {
				at = at.Add(time.Duration(c.LatencyMS * float64(time.Millisecond)))
			}
			d.Feed(m.Frame, at)
			d.End()
		}
	}
}

// withoutFrame is a message without its bytes, which are shown on their own.
func withoutFrame(m *format.Message) *format.Message {
	if m == nil {
		return nil
	}
	return &format.Message{Bytes: m.Bytes, Omitted: m.Omitted}
}
