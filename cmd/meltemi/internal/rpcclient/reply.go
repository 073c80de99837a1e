package rpcclient

import (
	"bytes"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// Reply is an answer, good or bad. All of it is the caller's.
type Reply struct {
	Status   sdk.Status
	Metadata []sdk.Entry
	View     sdk.View // empty if the codec shows none
	Viewed   bool     // the codec shows views
	ViewErr  error    // why the content cannot be shown, if it cannot
	Frame    []byte   // the message itself
	Size     int      // of the frame, in bytes
	Latency  time.Duration
}

// OK reports whether the call succeeded: a status of OK and no exception.
func (r *Reply) OK() bool { return r.Status.Code == sdk.OK && r.View.Exception == nil }

// reply reads the response in c.m.
func (c *Conn) reply(latency time.Duration) (*Reply, error) {
	m := &c.m
	m.Bytes = bytes.Clone(m.Bytes) // the reader keeps its own
	if err := framing.Metadata(c.codec, m); err != nil {
		return nil, &BadAnswerError{Err: err}
	}
	return newReply(c.codec, m, latency), nil
}

// newReply makes a Reply of a response that Metadata has read, and keeps m.Bytes.
func newReply(codec sdk.Codec, m *sdk.Message, latency time.Duration) *Reply {
	r := &Reply{Frame: m.Bytes, Size: len(m.Bytes), Latency: latency, Status: m.Status}
	r.Status.Message = bytes.Clone(m.Status.Message)
	for _, e := range m.Entries() {
		r.Metadata = append(r.Metadata, sdk.Entry{Key: bytes.Clone(e.Key), Value: bytes.Clone(e.Value)})
	}
	r.View, r.Viewed, r.ViewErr = framing.View(codec, m)
	return r
}
