package capture

import (
	"bytes"
	"encoding/binary"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
)

// Format is how captured bytes are stored.
type Format uint8

// The formats that Detect knows.
const (
	Raw    Format = iota // the bytes themselves, of one direction
	Pcap                 // the classic file of tcpdump
	Pcapng               // the newer file of Wireshark
	Calls                // recorded calls (package format of the filter record)
	Gzip                 // one of the last three, compressed
)

// magicSize is the number of bytes that Detect looks at first. If they begin a file of
// recorded calls, it wants more.
const magicSize = 4

func magicLength(start []byte) int {
	if bytes.HasPrefix(start, []byte(`{"ty`)) {
		return format.StartSize
	}
	return magicSize
}

// The magic numbers of pcap, in both byte orders, with times in microseconds and in
// nanoseconds (draft-ietf-opsawg-pcap, section 4), of pcapng
// (draft-ietf-opsawg-pcapng, section 4.1) and of gzip (RFC 1952, section 2.3.1).
const (
	pcapMicro   = 0xa1b2c3d4
	pcapNano    = 0xa1b23c4d
	pcapngBlock = 0x0a0d0d0a
)

var gzipMagic = []byte{0x1f, 0x8b}

// Detect tells the format of a file by its first bytes. What it does not know is Raw.
func Detect(start []byte) Format {
	switch {
	case bytes.HasPrefix(start, gzipMagic):
		return Gzip
	case format.Is(start):
		return Calls
	}
	if len(start) < magicSize {
		return Raw
	}
	big, little := binary.BigEndian.Uint32(start), binary.LittleEndian.Uint32(start)
	switch {
	case big == pcapngBlock:
		return Pcapng
	case big == pcapMicro, big == pcapNano, little == pcapMicro, little == pcapNano:
		return Pcap
	}
	return Raw
}
