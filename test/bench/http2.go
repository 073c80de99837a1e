package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	nethttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const preface = nethttp2.ClientPreface

type hpackField = hpack.HeaderField

// hugeWindow is more than a round can fill, so that nobody waits for an update.
const hugeWindow = 1<<31 - 1

// http2Peer is what client and server of HTTP/2 share: frames in, frames out, and the
// windows of the other side.
type http2Peer struct {
	in      *bufio.Reader
	out     bytes.Buffer
	framer  *nethttp2.Framer
	encoder *hpack.Encoder
	decoder *hpack.Decoder
	block   bytes.Buffer
	field   func(hpackField)

	window int64 // what the other side takes on the connection
}

func newHTTP2Peer(c net.Conn) *http2Peer {
	p := &http2Peer{in: bufio.NewReaderSize(c, ioBuffer), window: 65535, field: func(hpackField) {}}
	p.framer = nethttp2.NewFramer(&p.out, p.in)
	p.framer.SetReuseFrames()
	p.encoder = hpack.NewEncoder(&p.block)
	p.decoder = hpack.NewDecoder(4096, func(f hpackField) { p.field(f) })
	return p
}

// hello writes what either side says first.
func (p *http2Peer) hello() error {
	if err := p.framer.WriteSettings(
		nethttp2.Setting{ID: nethttp2.SettingInitialWindowSize, Val: hugeWindow},
		nethttp2.Setting{ID: nethttp2.SettingMaxConcurrentStreams, Val: 1 << 20},
	); err != nil {
		return err
	}
	return p.framer.WriteWindowUpdate(0, hugeWindow-65535)
}

// headers writes a header block.
func (p *http2Peer) headers(stream uint32, fields []header) error {
	p.block.Reset()
	for _, f := range fields {
		if err := p.encoder.WriteField(hpackField{Name: f.name, Value: f.value}); err != nil {
			return err
		}
	}
	return p.framer.WriteHeaders(nethttp2.HeadersFrameParam{
		StreamID: stream, BlockFragment: p.block.Bytes(), EndHeaders: true,
	})
}

// body writes a body and ends the stream.
func (p *http2Peer) body(stream uint32, b []byte) error {
	p.window -= int64(len(b))
	return p.framer.WriteData(stream, true, b)
}

var errGoAway = errors.New("the other side goes away")

// common handles what is no part of a call, and tells whether it did.
func (p *http2Peer) common(f nethttp2.Frame) (bool, error) {
	switch f := f.(type) {
	case *nethttp2.SettingsFrame:
		if f.IsAck() {
			return true, nil
		}
		return true, p.framer.WriteSettingsAck()
	case *nethttp2.PingFrame:
		if f.IsAck() {
			return true, nil
		}
		return true, p.framer.WritePing(true, f.Data)
	case *nethttp2.WindowUpdateFrame:
		if f.StreamID == 0 {
			p.window += int64(f.Increment)
		}
		return true, nil
	case *nethttp2.GoAwayFrame:
		return true, fmt.Errorf("%w: %v %s", errGoAway, f.ErrCode, f.DebugData())
	case *nethttp2.RSTStreamFrame:
		return true, fmt.Errorf("stream %d was reset: %v", f.StreamID, f.ErrCode)
	case *nethttp2.HeadersFrame:
		if !f.HeadersEnded() {
			return true, errors.New("a header block in parts")
		}
		_, err := p.decoder.Write(f.HeaderBlockFragment())
		return false, err
	case *nethttp2.DataFrame:
		if n := len(f.Data()); n > 0 {
			// Both windows, so that a long run does not fill them.
			return false, p.framer.WriteWindowUpdate(0, uint32(n))
		}
	}
	return false, nil
}

// serveHTTP2 answers HTTP/2 requests, and writes when it has read all that came.
func (r *responder) serveHTTP2(c net.Conn) error {
	p := newHTTP2Peer(c)
	if _, err := io.ReadFull(p.in, make([]byte, len(preface))); err != nil {
		return err
	}
	if err := p.hello(); err != nil {
		return err
	}
	bodies := newBodies()
	var reply []byte
	for {
		f, err := p.framer.ReadFrame()
		if err != nil {
			return err
		}
		if done, err := p.common(f); err != nil {
			return err
		} else if !done {
			stream, request, ended := bodies.take(f)
			if ended {
				if reply, err = r.appendReply(reply[:0], request); err != nil {
					return err
				}
				if err := p.reply(stream, r.small.contentType, reply); err != nil {
					return err
				}
				bodies.free(stream)
			}
		}
		if p.in.Buffered() == 0 || p.out.Len() > ioBuffer {
			if _, err := p.out.WriteTo(c); err != nil {
				return err
			}
		}
	}
}

func (p *http2Peer) reply(stream uint32, contentType string, body []byte) error {
	if err := p.headers(stream, []header{
		{":status", "200"},
		{"content-type", contentType},
		{"content-length", strconv.Itoa(len(body))},
	}); err != nil {
		return err
	}
	return p.body(stream, body)
}

// bodies are those of the streams that have not ended.
type bodies struct {
	open  map[uint32][]byte
	spare [][]byte
}

func newBodies() *bodies { return &bodies{open: map[uint32][]byte{}} }

// take takes HEADERS or DATA, and returns the whole body with the last of them.
func (b *bodies) take(f nethttp2.Frame) (stream uint32, body []byte, ended bool) {
	stream = f.Header().StreamID
	switch f := f.(type) {
	case *nethttp2.HeadersFrame:
		if _, ok := b.open[stream]; !ok {
			b.open[stream] = b.buffer()
		}
		ended = f.StreamEnded()
	case *nethttp2.DataFrame:
		b.open[stream] = append(b.open[stream], f.Data()...)
		ended = f.StreamEnded()
	}
	return stream, b.open[stream], ended
}

func (b *bodies) buffer() []byte {
	if n := len(b.spare); n > 0 {
		last := b.spare[n-1]
		b.spare = b.spare[:n-1]
		return last[:0]
	}
	return nil
}

func (b *bodies) free(stream uint32) {
	b.spare = append(b.spare, b.open[stream])
	delete(b.open, stream)
}
