package capture

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/reassembly"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// maxQueuedPages bounds what waits for a missing packet, in units of about 2 KB: per
// direction of a stream, and in all. Beyond it the missing packet is given up.
const (
	maxQueuedPages      = 8 << 10
	maxQueuedPagesTotal = 64 << 10
)

// Sink takes what ReadStreams finds. Its methods are called by one goroutine; for each
// direction of each stream in the order of the bytes, and otherwise in the order of
// the packets.
type Sink interface {
	// Data is called with the next bytes of a direction, which are valid until it
	// returns. at is when the packet was captured.
	Data(s *Stream, from sdk.Side, b []byte, at time.Time)
	// Gap is called where bytes are missing. n is how many, or -1 if that is not known
	// because the capture began in the middle of the stream.
	Gap(s *Stream, from sdk.Side, n int)
	// End is called once for each direction that had Data or Gap, after both.
	End(s *Stream, from sdk.Side)
}

// Stats counts the packets of a capture.
type Stats struct {
	Packets int
	TCP     int
	Other   int // not TCP, fragments, or not decodable
}

// ReadStreams reads a capture in the given format to its end, or to the first error.
// Whatever came before an error has been delivered. serverPort, if not 0, names the
// server's port: streams without it are left out.
func ReadStreams(r io.Reader, format Format, serverPort uint16, sink Sink) (Stats, error) {
	packets, err := newPacketReader(r, format)
	if err != nil {
		return Stats{}, err
	}
	a := newAssembly(sink, serverPort)
	for {
		var p packet
		p, err = packets.next()
		if err != nil {
			break
		}
		a.stats.Packets++
		if err = a.add(&p); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return a.stats, errors.Join(err, a.finish())
}

// assembly feeds packets to gopacket's TCP reassembly.
type assembly struct {
	sink       Sink
	serverPort uint16
	stats      Stats
	pool       *reassembly.Assembler
	streams    []*stream
	flushing   bool
}

func newAssembly(sink Sink, serverPort uint16) *assembly {
	a := &assembly{sink: sink, serverPort: serverPort}
	a.pool = reassembly.NewAssembler(reassembly.NewStreamPool(a))
	a.pool.MaxBufferedPagesPerConnection = maxQueuedPages
	a.pool.MaxBufferedPagesTotal = maxQueuedPagesTotal
	return a
}

// add takes a packet: the innermost TCP segment in it, so that tunnels are looked
// through.
func (a *assembly) add(p *packet) (err error) {
	defer packetBarrier(p.number, &err)
	decoded := gopacket.NewPacket(p.data, p.link, gopacket.DecodeOptions{Lazy: false, NoCopy: true})
	var network gopacket.NetworkLayer
	var segment *layers.TCP
	for _, layer := range decoded.Layers() {
		switch l := layer.(type) {
		case *layers.IPv4:
			network, segment = l, nil
		case *layers.IPv6:
			network, segment = l, nil
		case *layers.TCP:
			segment = l
		}
	}
	if network == nil || segment == nil {
		a.stats.Other++
		return nil
	}
	a.stats.TCP++
	if a.serverPort != 0 && uint16(segment.SrcPort) != a.serverPort && uint16(segment.DstPort) != a.serverPort {
		return nil
	}
	a.pool.AssembleWithContext(network.NetworkFlow(), segment, packetContext{p.info})
	return nil
}

// finish delivers what still waits for missing packets, stream by stream.
func (a *assembly) finish() (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("capture: end of the file: %v", value)
		}
	}()
	// The reassembly visits its streams in no order: hold back, then deliver in ours.
	a.flushing = true
	a.pool.FlushAll()
	for _, s := range a.streams {
		s.deliver()
	}
	return nil
}

// New implements reassembly.StreamFactory. The first packet decides who is the client:
// who sent the SYN, else who does not answer it, else who has the higher port, since
// clients have ephemeral ports.
func (a *assembly) New(network, _ gopacket.Flow, tcp *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	src, dst := uint16(tcp.SrcPort), uint16(tcp.DstPort)
	fromServer := src < dst
	switch {
	case a.serverPort != 0 && src != dst:
		fromServer = src == a.serverPort
	case tcp.SYN:
		fromServer = tcp.ACK
	}
	s := &stream{assembly: a, firstIsServer: fromServer}
	client, server := network.Src().String(), network.Dst().String()
	cp, sp := src, dst
	if fromServer {
		client, server, cp, sp = server, client, sp, cp
	}
	s.Client, s.Server = endpoint(client, cp), endpoint(server, sp)
	return s
}

// packetContext tells the reassembly when a packet was captured.
type packetContext struct{ info gopacket.CaptureInfo }

func (c packetContext) GetCaptureInfo() gopacket.CaptureInfo { return c.info }
