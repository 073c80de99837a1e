package engine

import (
	"encoding/binary"
	"errors"
)

// The parts of HTTP/2 that a client towards a connection manager needs.
// Source of all numbers: RFC 9113.

// clientPreface is what a client sends first (section 3.4).
const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Frame types (section 6).
const (
	frameData         = 0x0
	frameHeaders      = 0x1
	frameRSTStream    = 0x3
	frameSettings     = 0x4
	framePushPromise  = 0x5
	framePing         = 0x6
	frameGoAway       = 0x7
	frameWindowUpdate = 0x8
	frameContinuation = 0x9
)

// Flags.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Settings (section 6.5.2).
const (
	settingHeaderTableSize      = 0x1
	settingEnablePush           = 0x2
	settingMaxConcurrentStreams = 0x3
	settingInitialWindowSize    = 0x4
	settingMaxFrameSize         = 0x5
)

const (
	frameHeaderSize  = 9
	defaultFrameSize = 16384
	defaultWindow    = 65535
	maxWindow        = 1<<31 - 1
	maxStreamID      = 1<<31 - 1
	errorCancel      = 0x8
)

// frame is a frame's header and payload.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

var (
	errShort = errors.New("the frame is not complete")
	errHTTP2 = errors.New("malformed HTTP/2 from the connection manager")
)

// nextFrame takes a frame off b. A longer one than we allow is an error before it is here.
func nextFrame(b []byte) (f frame, rest []byte, err error) {
	if len(b) < frameHeaderSize {
		return f, b, errShort
	}
	n := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	if n > defaultFrameSize {
		return f, b, errHTTP2
	}
	if n += frameHeaderSize; len(b) < n {
		return f, b, errShort
	}
	return frame{b[3], b[4], binary.BigEndian.Uint32(b[5:]) & maxStreamID, b[frameHeaderSize:n]}, b[n:], nil
}

// unpadded returns the payload without padding and priority (sections 6.1, 6.2).
func (f *frame) unpadded() ([]byte, bool) {
	p, pad := f.payload, 0
	if f.flags&flagPadded != 0 {
		if len(p) == 0 {
			return nil, false
		}
		pad, p = int(p[0]), p[1:]
	}
	if f.kind == frameHeaders && f.flags&flagPriority != 0 {
		if len(p) < 5 {
			return nil, false
		}
		p = p[5:]
	}
	if pad > len(p) {
		return nil, false
	}
	return p[:len(p)-pad], true
}

// appendFrameHeader appends the header of a frame with n bytes of payload.
func appendFrameHeader(dst []byte, n int, kind, flags byte, stream uint32) []byte {
	dst = append(dst, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	return binary.BigEndian.AppendUint32(dst, stream)
}

func appendWindowUpdate(dst []byte, stream, n uint32) []byte {
	dst = appendFrameHeader(dst, 4, frameWindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(dst, n)
}

func appendReset(dst []byte, stream, code uint32) []byte {
	dst = appendFrameHeader(dst, 4, frameRSTStream, 0, stream)
	return binary.BigEndian.AppendUint32(dst, code)
}

// appendOpening appends what a connection begins with. Windows are as large as can
// be: the connection to the RPC client is what bounds how much is under way.
func appendOpening(dst []byte) []byte {
	dst = append(dst, clientPreface...)
	dst = appendFrameHeader(dst, 12, frameSettings, 0, 0)
	dst = appendSetting(dst, settingEnablePush, 0)
	dst = appendSetting(dst, settingInitialWindowSize, maxWindow)
	return appendWindowUpdate(dst, 0, maxWindow-defaultWindow)
}

func appendSetting(dst []byte, id uint16, v uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(dst, id), v)
}

// appendHeaderBlock appends a header block, in as many frames as it takes.
func appendHeaderBlock(dst, block []byte, stream uint32, maxFrame int) []byte {
	kind := byte(frameHeaders)
	for {
		n := min(len(block), maxFrame)
		flags := byte(0)
		if n == len(block) {
			flags = flagEndHeaders
		}
		dst = append(appendFrameHeader(dst, n, kind, flags, stream), block[:n]...)
		if block = block[n:]; len(block) == 0 {
			return dst
		}
		kind = frameContinuation
	}
}
