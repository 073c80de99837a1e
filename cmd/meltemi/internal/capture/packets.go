package capture

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// PacketError is a capture file that cannot be read further.
type PacketError struct {
	Packet int // number of the packet from 1, 0 for the file's own header
	Err    error
}

// Error names the packet.
func (e *PacketError) Error() string {
	if e.Packet == 0 {
		return fmt.Sprintf("capture: header of the file: %v", e.Err)
	}
	return fmt.Sprintf("capture: packet %d: %v", e.Packet, e.Err)
}

// Unwrap returns Err.
func (e *PacketError) Unwrap() error { return e.Err }

// packet is a captured packet. data is valid until the next one is read.
type packet struct {
	number int
	link   layers.LinkType
	data   []byte
	info   gopacket.CaptureInfo
}

// packetReader reads the packets of a file. pcapgo does the parsing.
type packetReader struct {
	read  func() (data []byte, info gopacket.CaptureInfo, link layers.LinkType, err error)
	count int
}

func newPacketReader(r io.Reader, format Format) (p *packetReader, err error) {
	defer packetBarrier(0, &err)
	if format == Pcapng {
		return newPcapngReader(r)
	}
	file, err := pcapgo.NewReader(r)
	if err != nil {
		return nil, &PacketError{Err: unexpected(err)}
	}
	link := file.LinkType()
	return &packetReader{read: func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
		data, info, err := file.ZeroCopyReadPacketData()
		return data, info, link, err
	}}, nil
}

func newPcapngReader(r io.Reader) (*packetReader, error) {
	file, err := pcapgo.NewNgReader(r, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return nil, &PacketError{Err: unexpected(err)}
	}
	return &packetReader{read: func() ([]byte, gopacket.CaptureInfo, layers.LinkType, error) {
		data, info, err := file.ZeroCopyReadPacketData()
		if err != nil {
			return nil, info, 0, err
		}
		link, ok := info.AncillaryData[0].(layers.LinkType)
		if !ok { // WantMixedLinkType promises it
			return nil, info, 0, errors.New("no link type")
		}
		return data, info, link, nil
	}}, nil
}

// next returns io.EOF at the end of a whole file.
func (p *packetReader) next() (pkt packet, err error) {
	p.count++
	defer packetBarrier(p.count, &err)
	data, info, link, err := p.read()
	if errors.Is(err, io.EOF) && info.CaptureLength == 0 {
		return packet{}, io.EOF
	}
	if err != nil { // an EOF here comes behind a packet's header
		return packet{}, &PacketError{Packet: p.count, Err: unexpected(err)}
	}
	if info.Timestamp.IsZero() {
		info.Timestamp = time.Unix(0, 0).UTC() // a simple packet block has no time
	}
	return packet{number: p.count, link: link, data: data, info: info}, nil
}

// packetBarrier turns a panic of the parser, which is not ours, into an error: no file
// may end the program.
func packetBarrier(number int, err *error) {
	if value := recover(); value != nil {
		*err = &PacketError{Packet: number, Err: fmt.Errorf("cannot be parsed: %v", value)}
	}
}

var errCut = errors.New("the file ends too early")

// unexpected is err where no end was expected.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}
