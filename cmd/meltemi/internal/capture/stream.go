package capture

import (
	"bytes"
	"net"
	"strconv"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/reassembly"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Stream is a TCP connection in a capture.
type Stream struct {
	// Number counts the streams that carry bytes, from 1 in order of their first.
	Number int
	// Client and Server are addresses with ports.
	Client, Server string
}

// stream is a Stream that is being put together. It implements reassembly.Stream.
type stream struct {
	Stream

	assembly      *assembly
	firstIsServer bool    // the reassembly's first direction is the server's
	late          [2]bool // by side: the capture lacks its beginning, and Gap is due
	used          [2]bool // by side: it had events
	ended         bool
	held          []event // while the assembly is flushing
}

// event is a call of Sink.Data, or of Sink.Gap if b is nil.
type event struct {
	from sdk.Side
	b    []byte
	at   time.Time
	gap  int
}

// Accept implements reassembly.Stream: it takes every packet. A direction whose SYN is
// not in the capture starts with the first packet that is.
func (s *stream) Accept(tcp *layers.TCP, _ gopacket.CaptureInfo, dir reassembly.TCPFlowDirection, next reassembly.Sequence, start *bool, _ reassembly.AssemblerContext) bool {
	if next < 0 && !tcp.SYN {
		s.late[s.side(dir)] = true
	}
	*start = true
	return true
}

// ReassembledSG implements reassembly.Stream.
func (s *stream) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	direction, _, _, skip := sg.Info()
	from := s.side(direction)
	n, _ := sg.Lengths()
	if n == 0 {
		return
	}
	if s.late[from] {
		s.late[from] = false
		s.emit(event{from: from, gap: -1})
	}
	if skip > 0 {
		s.emit(event{from: from, gap: skip})
	}
	s.emit(event{from: from, b: sg.Fetch(n), at: sg.CaptureInfo(0).Timestamp})
}

// ReassemblyComplete implements reassembly.Stream. The stream stays known, so that the
// last acknowledgements are not taken for a new one.
func (s *stream) ReassemblyComplete(reassembly.AssemblerContext) bool {
	if !s.assembly.flushing {
		s.end()
	}
	return false
}

func (s *stream) side(dir reassembly.TCPFlowDirection) sdk.Side {
	if (dir == reassembly.TCPDirServerToClient) != s.firstIsServer {
		return sdk.FromServer
	}
	return sdk.FromClient
}

// emit passes e on, or holds a copy of it.
func (s *stream) emit(e event) {
	if s.Number == 0 {
		s.assembly.streams = append(s.assembly.streams, s)
		s.Number = len(s.assembly.streams)
	}
	s.used[e.from] = true
	if s.assembly.flushing {
		e.b = bytes.Clone(e.b)
		s.held = append(s.held, e)
		return
	}
	s.pass(e)
}

func (s *stream) pass(e event) {
	if e.b == nil {
		s.assembly.sink.Gap(&s.Stream, e.from, e.gap)
		return
	}
	s.assembly.sink.Data(&s.Stream, e.from, e.b, e.at)
}

// deliver passes on what was held, and ends the stream.
func (s *stream) deliver() {
	for _, e := range s.held {
		s.pass(e)
	}
	s.held = nil
	s.end()
}

func (s *stream) end() {
	for _, from := range []sdk.Side{sdk.FromClient, sdk.FromServer} {
		if s.used[from] && !s.ended {
			s.assembly.sink.End(&s.Stream, from)
		}
	}
	s.ended = true
}

func endpoint(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
