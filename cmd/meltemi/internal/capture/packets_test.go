package capture_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/capture"
)

// began is when the captures of these tests began.
var began = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

// segment is a TCP segment between a client at port 40000 and a server at port 20880.
type segment struct {
	fromServer    bool
	seq           uint32
	data          string
	syn, fin, rst bool
	client        uint16 // another port of the client, if not 0
}

// frame makes the Ethernet frame of s.
func (s segment) frame(tb testing.TB, v6 bool) []byte {
	tb.Helper()
	client := layers.TCPPort(40000)
	if s.client != 0 {
		client = layers.TCPPort(s.client)
	}
	tcp := &layers.TCP{SrcPort: client, DstPort: 20880, Seq: s.seq, SYN: s.syn, FIN: s.fin, RST: s.rst, ACK: s.fromServer || !s.syn, Window: 1000}
	src, dst := net.IP{10, 0, 0, 1}, net.IP{10, 0, 0, 2}
	if v6 {
		src, dst = net.ParseIP("fd00::1"), net.ParseIP("fd00::2")
	}
	if s.fromServer {
		tcp.SrcPort, tcp.DstPort = tcp.DstPort, tcp.SrcPort
		src, dst = dst, src
	}
	eth := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
	var ip gopacket.SerializableLayer
	if v6 {
		eth.EthernetType = layers.EthernetTypeIPv6
		l := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolTCP, HopLimit: 64, SrcIP: src, DstIP: dst}
		if err := tcp.SetNetworkLayerForChecksum(l); err != nil {
			tb.Fatal(err)
		}
		ip = l
	} else {
		l := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: src, DstIP: dst}
		if err := tcp.SetNetworkLayerForChecksum(l); err != nil {
			tb.Fatal(err)
		}
		ip = l
	}
	b := gopacket.NewSerializeBuffer()
	o := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, o, eth, ip, tcp, gopacket.Payload(s.data)); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// file makes a capture of the frames, one a millisecond.
func file(tb testing.TB, format capture.Format, frames [][]byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	var write func(gopacket.CaptureInfo, []byte) error
	flush := func() error { return nil }
	if format == capture.Pcapng {
		w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
		if err != nil {
			tb.Fatal(err)
		}
		write, flush = w.WritePacket, w.Flush
	} else {
		w := pcapgo.NewWriter(&b)
		if err := w.WriteFileHeader(1<<16, layers.LinkTypeEthernet); err != nil {
			tb.Fatal(err)
		}
		write = w.WritePacket
	}
	for i, f := range frames {
		info := gopacket.CaptureInfo{Timestamp: began.Add(time.Duration(i) * time.Millisecond), CaptureLength: len(f), Length: len(f)}
		if err := write(info, f); err != nil {
			tb.Fatal(err)
		}
	}
	if err := flush(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func pcap(tb testing.TB, format capture.Format, segments ...segment) []byte {
	tb.Helper()
	frames := make([][]byte, 0, len(segments))
	for _, s := range segments {
		frames = append(frames, s.frame(tb, false))
	}
	return file(tb, format, frames)
}

func compressed(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestOpenDetects(t *testing.T) {
	for name, test := range map[string]struct {
		file []byte
		want capture.Format
	}{
		"nothing":     {nil, capture.Raw},
		"a byte":      {[]byte{0xda}, capture.Raw},
		"raw":         {[]byte("\xda\xbb\xc2\x00"), capture.Raw},
		"pcap":        {pcap(t, capture.Pcap), capture.Pcap},
		"pcapng":      {pcap(t, capture.Pcapng), capture.Pcapng},
		"pcap.gz":     {compressed(t, pcap(t, capture.Pcap)), capture.Pcap},
		"pcapng.gz":   {compressed(t, pcap(t, capture.Pcapng)), capture.Pcapng},
		"nanoseconds": {[]byte{0x4d, 0x3c, 0xb2, 0xa1}, capture.Pcap},
		"big-endian":  {[]byte{0xa1, 0xb2, 0xc3, 0xd4}, capture.Pcap},
	} {
		t.Run(name, func(t *testing.T) {
			r, got, err := capture.Open(bytes.NewReader(test.file))
			if err != nil || got != test.want {
				t.Fatalf("got %v, %v; want %v", got, err, test.want)
			}
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			if len(test.file) < 40 && !bytes.Equal(b, test.file) {
				t.Errorf("read %x, want %x", b, test.file)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	whole := compressed(t, []byte("x"))
	for name, file := range map[string][]byte{"cut": whole[:5], "twice": compressed(t, whole)} {
		if _, _, err := capture.Open(bytes.NewReader(file)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
