package framing_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/framing"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/toycodec"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// frames are three messages, and their lengths.
func frames(tb testing.TB) (all []byte, lengths []int) {
	tb.Helper()
	for i, kind := range []byte{'q', 'h', 'o'} {
		b, err := toycodec.Append(nil, kind, uint64(i), map[string]string{"method": "m"})
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b...)
		lengths = append(lengths, len(b))
	}
	return all, lengths
}

func TestReaderFindsMessagesInEveryPieceSize(t *testing.T) {
	all, lengths := frames(t)
	for size := 1; size <= len(all); size++ {
		r := framing.NewReader(&pieces{all, size}, &toycodec.Codec{}, sdk.FromClient, 0)
		var m sdk.Message
		at := 0
		for i, n := range lengths {
			if err := r.Next(&m); err != nil {
				t.Fatalf("pieces of %d: message %d: %v", size, i, err)
			}
			if !bytes.Equal(m.Bytes, all[at:at+n]) || m.ID != uint64(i) {
				t.Fatalf("pieces of %d: message %d is %q, id %d", size, i, m.Bytes, m.ID)
			}
			at += n
			if r.Offset() != int64(at) {
				t.Fatalf("pieces of %d: offset %d after message %d, want %d", size, r.Offset(), i, at)
			}
		}
		if err := r.Next(&m); !errors.Is(err, io.EOF) {
			t.Fatalf("pieces of %d: %v at the end, want EOF", size, err)
		}
	}
}

// pieces gives b in pieces of the same size.
type pieces struct {
	b    []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.b[:min(p.size, len(p.b))])
	p.b = p.b[n:]
	return n, nil
}

func TestReaderTellsEveryTruncation(t *testing.T) {
	all, lengths := frames(t)
	for cut := 1; cut < lengths[0]; cut++ {
		r := framing.NewReader(bytes.NewReader(all[:cut]), &toycodec.Codec{}, sdk.FromClient, 0)
		var m sdk.Message
		err := r.Next(&m)
		var truncated *framing.TruncatedError
		if !errors.As(err, &truncated) || truncated.Have != cut {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

func TestReaderGoesOnAfterAFailedRead(t *testing.T) {
	all, _ := frames(t)
	failure := errors.New("deadline")
	r := framing.NewReader(io.MultiReader(bytes.NewReader(all[:10]), failOnce(failure), bytes.NewReader(all[10:])), &toycodec.Codec{}, sdk.FromClient, 0)
	var m sdk.Message
	if err := r.Next(&m); !errors.Is(err, failure) {
		t.Fatalf("got %v, want the failure", err)
	}
	if r.Pending() != 10 {
		t.Errorf("%d bytes pending, want 10", r.Pending())
	}
	if err := r.Next(&m); err != nil {
		t.Fatal(err)
	}
}

func failOnce(err error) io.Reader {
	done := false
	return readerFunc(func([]byte) (int, error) {
		if done {
			return 0, io.EOF
		}
		done = true
		return 0, err
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestLimit(t *testing.T) {
	all, lengths := frames(t)
	for limit, want := range map[int]bool{lengths[0]: true, lengths[0] - 1: false, 1: false} {
		for name, src := range map[string]io.Reader{"at once": bytes.NewReader(all), "by byte": iotest.OneByteReader(bytes.NewReader(all))} {
			var m sdk.Message
			err := framing.NewReader(src, &toycodec.Codec{}, sdk.FromClient, limit).Next(&m)
			var large *framing.TooLargeError
			if got := err == nil; got != want || !got && !errors.As(err, &large) {
				t.Errorf("limit %d of %d, %s: %v", limit, lengths[0], name, err)
			}
		}
	}
}

func TestLimitHoldsBeforeTheBytesCome(t *testing.T) {
	header := append([]byte("Tq"), 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff)
	var m sdk.Message
	err := framing.NewReader(bytes.NewReader(header), &toycodec.Codec{}, sdk.FromClient, 1<<20).Next(&m)
	var large *framing.TooLargeError
	if !errors.As(err, &large) || large.Size != 14+1<<32-1 {
		t.Fatalf("got %v", err)
	}
}

func TestBoundaryLost(t *testing.T) {
	s := framing.NewSplitter(&toycodec.Codec{}, sdk.FromClient, 0)
	all, lengths := frames(t)
	s.Feed(slices.Concat(all[:lengths[0]], []byte("GET / HTTP/1.1\r\n"), all))
	var m sdk.Message
	if err := s.Next(&m); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := s.Next(&m)
		var lost *sdk.ConnectionError
		if !errors.As(err, &lost) || s.Offset() != int64(lengths[0]) {
			t.Fatalf("got %v at %d", err, s.Offset())
		}
	}
	if n, found := s.Resync(1); !found || n != 16 {
		t.Fatalf("skipped %d, found %v; want 16", n, found)
	}
	for i := range lengths {
		if err := s.Next(&m); err != nil {
			t.Fatalf("message %d after the gap: %v", i, err)
		}
	}
}

func TestResyncKeepsWhatMayBecomeAMessage(t *testing.T) {
	all, _ := frames(t)
	for cut := 1; cut < 14; cut++ {
		s := framing.NewSplitter(&toycodec.Codec{}, sdk.FromClient, 0)
		s.Feed(slices.Concat([]byte("xxxx"), all[:cut]))
		n, found := s.Resync(0)
		if found || n != 4 {
			t.Fatalf("cut at %d: skipped %d, found %v", cut, n, found)
		}
		s.Feed(all[cut:])
		if n, found := s.Resync(0); !found || n != 0 {
			t.Fatalf("cut at %d: then skipped %d, found %v", cut, n, found)
		}
	}
}

// broken is a codec with defects.
type broken struct {
	toycodec.Codec
	decode func(b []byte) (int, error)
}

func (c *broken) Decode(_ sdk.Side, b []byte, _ *sdk.Message) (int, error) { return c.decode(b) }
func (*broken) Metadata(*sdk.Message) error                                { panic("metadata") }
func (*broken) View(*sdk.Message) (sdk.View, error)                        { panic("view") }

func TestDefectsOfCodecsAreErrors(t *testing.T) {
	for name, decode := range map[string]func(b []byte) (int, error){
		"panics":         func([]byte) (int, error) { panic("decode") },
		"length 0":       func([]byte) (int, error) { return 0, nil },
		"negative":       func([]byte) (int, error) { return -1, nil },
		"too long":       func(b []byte) (int, error) { return len(b) + 1, nil },
		"refuses beyond": func(b []byte) (int, error) { return len(b) + 1, sdk.Malformed("x", 0, errors.New("y")) },
		"refuses none":   func([]byte) (int, error) { return 0, sdk.Malformed("x", 0, errors.New("y")) },
	} {
		t.Run(name, func(t *testing.T) {
			var m sdk.Message
			err := framing.NewReader(bytes.NewReader([]byte("abc")), &broken{decode: decode}, sdk.FromClient, 0).Next(&m)
			if err == nil {
				t.Fatal("no error")
			}
		})
	}
	var m sdk.Message
	var panicked *framing.PanicError
	if err := framing.Metadata(&broken{}, &m); !errors.As(err, &panicked) {
		t.Errorf("Metadata: %v", err)
	}
	if _, _, err := framing.View(&broken{}, &m); !errors.As(err, &panicked) {
		t.Errorf("View: %v", err)
	}
}

func FuzzSplitter(f *testing.F) {
	all, _ := frames(f)
	f.Add(all, uint8(7))
	f.Add(append([]byte("garbage"), all...), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		whole := split(b, len(b)+1)
		if got := split(b, int(size)+1); !slices.Equal(got, whole) {
			t.Fatalf("in pieces of %d: %v, at once: %v", int(size)+1, got, whole)
		}
	})
}

// split lists the offsets of the messages in b, and where the boundary is lost.
func split(b []byte, size int) (list []string) {
	s := framing.NewSplitter(&toycodec.Codec{}, sdk.FromClient, 1<<16)
	var m sdk.Message
	for piece := range slices.Chunk(b, size) {
		s.Feed(piece)
		for {
			at := s.Offset()
			err := s.Next(&m)
			if errors.Is(err, sdk.ErrNeedMore) {
				break
			}
			if err != nil {
				return append(list, fmt.Sprintf("lost at %d", at))
			}
			list = append(list, fmt.Sprintf("%d+%d", at, len(m.Bytes)))
		}
	}
	return list
}
