package soak

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/test/soak/chaos"
)

// stream reads messages from a connection.
type stream struct {
	from  io.Reader
	codec sdk.Codec
	side  sdk.Side // who sends
	buf   []byte
	at    int // buf[at:] is not yet read
	chunk [32 << 10]byte
}

// next reads a message into m, whose slices are valid until the next call.
func (s *stream) next(m *sdk.Message) error {
	need := 1
	for {
		if rest := s.buf[s.at:]; len(rest) >= need {
			m.Reset()
			n, err := s.codec.Decode(s.side, rest, m)
			if err == nil {
				m.Bytes = rest[:n:n]
				s.at += n
				if m.Kind == sdk.KindRequest || m.Kind == sdk.KindOneWay || m.Kind == sdk.KindResponse {
					err = s.codec.Metadata(m)
				}
				return err
			}
			if !errors.Is(err, sdk.ErrNeedMore) {
				return fmt.Errorf("what came is no message: %w", err)
			}
			need = max(n, len(rest)+1)
		}
		s.buf = append(s.buf[:0], s.buf[s.at:]...)
		s.at = 0
		n, err := s.from.Read(s.chunk[:])
		s.buf = append(s.buf, s.chunk[:n]...)
		if n == 0 && err != nil {
			return err
		}
	}
}

// payload is the text of a request or a reply, different for each call.
func payload(id uint64, what string, size int) string {
	head := chaos.Text(id, what)
	if size <= len(head) {
		return head
	}
	return head + strings.Repeat(fmt.Sprintf(".%016x", id), size/17+1)[:size-len(head)]
}
