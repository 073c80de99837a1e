package rpcclient

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// CallFrame is Call for a whole request that was made before. It is sent with an id of
// this connection and with the entries of set, whose keys have no case: an entry that the
// request has keeps its spelling. What of that the protocol has no place for is a
// *BuildError.
func (c *Conn) CallFrame(ctx context.Context, frame []byte, set []sdk.Entry) (*Reply, error) {
	return c.call(ctx, c.renumbered(frame, set))
}

// SendFrame is Send likewise.
func (c *Conn) SendFrame(ctx context.Context, frame []byte, set []sdk.Entry) error {
	return c.send(ctx, c.renumbered(frame, set))
}

func (c *Conn) renumbered(frame []byte, set []sdk.Entry) builder {
	return func(dst []byte, id uint64) ([]byte, error) {
		codec, m, err := read(c.shared, sdk.FromClient, frame)
		if err != nil {
			return dst, err
		}
		mut := &sdk.Mutation{NewID: !c.ordered, ID: id}
		for _, e := range set {
			for _, has := range m.Entries() {
				if strings.EqualFold(string(has.Key), string(e.Key)) {
					e.Key = has.Key
				}
			}
			mut.Set = append(mut.Set, e)
		}
		return encode(codec, dst, m, mut)
	}
}

// ReadReply reads a whole answer that came before. The Reply has no latency.
func ReadReply(codec sdk.Codec, frame []byte) (*Reply, error) {
	codec, m, err := read(codec, sdk.FromServer, frame)
	if err != nil {
		return nil, err
	}
	if m.Kind != sdk.KindResponse {
		return nil, fmt.Errorf("it is a %v, not a response", m.Kind)
	}
	return newReply(codec, m, 0), nil
}

// WithID is an answer of a server with another id, as far as the protocol has ids.
func WithID(codec sdk.Codec, frame []byte, id uint64) ([]byte, error) {
	if o, ok := codec.(sdk.Ordered); ok && o.InOrder() {
		return frame, nil
	}
	codec, m, err := read(codec, sdk.FromServer, frame)
	if err != nil {
		return nil, err
	}
	return encode(codec, nil, m, &sdk.Mutation{NewID: true, ID: id})
}

// read reads a whole message, with a codec that knows of no other.
func read(codec sdk.Codec, from sdk.Side, frame []byte) (sdk.Codec, *sdk.Message, error) {
	if p, ok := codec.(sdk.PerConnection); ok {
		codec = p.NewConnection()
	}
	r, m := framing.NewReader(bytes.NewReader(frame), codec, from, max(len(frame), sdk.DefaultMaxMessage)), &sdk.Message{}
	if err := r.Next(m); err != nil {
		return nil, nil, err
	}
	if n := len(frame) - len(m.Bytes); n > 0 {
		return nil, nil, fmt.Errorf("%d bytes follow the message", n)
	}
	return codec, m, framing.Metadata(codec, m)
}

func encode(codec sdk.Codec, dst []byte, m *sdk.Message, mut *sdk.Mutation) (b []byte, err error) {
	err = framing.Protect(codec, "Encode", func() error {
		b, err = codec.Encode(dst, m, mut)
		return err
	})
	return b, err
}
