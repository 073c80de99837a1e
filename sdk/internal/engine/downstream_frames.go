package engine

import (
	"encoding/binary"
	"errors"
	"time"
)

// maxHeaderBlock bounds a header block of the connection manager, as it comes and
// decoded: a byte of it may stand for a field of 4 KiB.
const maxHeaderBlock = 1 << 20

// refillAt is how much DATA may arrive before the connection's window, of twice
// that size, is filled up again.
const refillAt = 1 << 30

// Write takes bytes that the connection manager wrote. Each chunk is borrowed
// until it returns, and all of them are taken. Nothing may be injected or closed
// from here: what has to be, waits for the Wake that the output asks for.
func (d *Downstream) Write(now time.Time, chunks [][]byte) *Output {
	d.begin(now)
	d.written(chunks)
	d.part()
	d.out.Wake = d.mode == isRPC && d.wakeWanted()
	d.held = append(d.held[:0], d.http...)
	return d.result()
}

// written handles whole frames. A connection manager that speaks first must wait
// until the client has: our preface has to come before anything else.
func (d *Downstream) written(chunks [][]byte) {
	b, own := d.frames.add(chunks, &d.scratch.fromManager)
	for d.mode == isRPC {
		f, rest, err := nextFrame(b)
		if errors.Is(err, errShort) {
			break
		}
		b = rest
		if err == nil {
			err = d.frame(&f)
		}
		if err != nil {
			d.broken()
			b = nil
			break
		}
	}
	d.frames.keep(b, own)
}

// wakeWanted reports whether something waits that must not be done in Write.
func (d *Downstream) wakeWanted() bool {
	pause, resume := d.pressure()
	return len(d.http) > 0 || len(d.drain.parting) > 0 || d.closing() != CloseNone || pause || resume ||
		d.waiting.len() > 0 && len(d.open) < d.peer.maxStreams
}

func (d *Downstream) frame(f *frame) error {
	if d.pending.kind == frameHeaders && f.kind != frameContinuation {
		return errHTTP2
	}
	switch f.kind {
	case frameHeaders:
		return d.headersFrame(f)
	case frameContinuation:
		return d.continuation(f)
	case frameData:
		return d.dataFrame(f)
	case frameRSTStream:
		if len(f.payload) != 4 {
			return errHTTP2
		}
		if c := d.open[f.stream]; c != nil {
			d.resetByPeer(c)
		}
	case frameSettings:
		return d.settings(f)
	case framePing:
		if len(f.payload) != 8 {
			return errHTTP2
		}
		if f.flags&flagAck == 0 {
			d.http = append(appendFrameHeader(d.http, 8, framePing, flagAck, 0), f.payload...)
		}
	case frameGoAway:
		if len(f.payload) < 8 {
			return errHTTP2
		}
		d.goAwayFrame(binary.BigEndian.Uint32(f.payload) & maxStreamID)
	case frameWindowUpdate:
		return d.windowUpdate(f)
	case framePushPromise:
		return errHTTP2 // we refuse pushes in our settings
	}
	return nil // unknown frames are ignored (section 5.5)
}

func (d *Downstream) headersFrame(f *frame) error {
	block, ok := f.unpadded()
	if !ok {
		return errHTTP2
	}
	if f.flags&flagEndHeaders == 0 {
		d.pending = frame{kind: frameHeaders, flags: f.flags, stream: f.stream}
		d.fragment = append(d.fragment[:0], block...)
		return nil
	}
	return d.headerBlock(f.stream, f.flags, block)
}

func (d *Downstream) continuation(f *frame) error {
	if d.pending.kind != frameHeaders || d.pending.stream != f.stream || len(d.fragment)+len(f.payload) > maxHeaderBlock {
		return errHTTP2
	}
	d.fragment = append(d.fragment, f.payload...)
	if f.flags&flagEndHeaders == 0 {
		return nil
	}
	p := d.pending
	d.pending = frame{}
	return d.headerBlock(p.stream, p.flags, d.fragment)
}

// headerBlock decodes a block. It must be decoded whatever becomes of its stream,
// since blocks share a table.
func (d *Downstream) headerBlock(stream uint32, flags byte, block []byte) error {
	d.scratch.headers.reset()
	d.decoder.SetEmitEnabled(true)
	if _, err := d.decoder.Write(block); err != nil {
		return err
	}
	if err := d.decoder.Close(); err != nil {
		return err
	}
	if !d.decoder.EmitEnabled() {
		return errHTTP2
	}
	c := d.open[stream]
	if c == nil {
		d.stranger(stream)
		return nil
	}
	d.gotHeaders(c, d.scratch.headers.list)
	if flags&flagEndStream != 0 {
		d.ended(c)
	}
	return nil
}

func (d *Downstream) dataFrame(f *frame) error {
	p, ok := f.unpadded()
	if !ok {
		return errHTTP2
	}
	if d.received += len(f.payload); d.received >= refillAt {
		d.http = appendWindowUpdate(d.http, 0, uint32(d.received)) //nolint:gosec // below 2^31
		d.received = 0
	}
	c := d.open[f.stream]
	if c == nil {
		d.stranger(f.stream)
		return nil
	}
	d.gotData(c, p, f.flags&flagEndStream != 0)
	return nil
}

// stranger counts what arrives on a stream that is not open.
func (d *Downstream) stranger(stream uint32) {
	if stream < d.nextStream {
		d.counts.Add(MetricLateAnswers, 1)
	} else {
		d.counts.Add(MetricUnmatchedAnswers, 1)
	}
}

func (d *Downstream) settings(f *frame) error {
	if f.flags&flagAck != 0 {
		return nil
	}
	if len(f.payload)%6 != 0 {
		return errHTTP2
	}
	if !d.greeted {
		// The first settings lift the caution that was due before them.
		d.greeted = true
		d.peer.maxStreams = maxStreamID
	}
	for p := f.payload; len(p) > 0; p = p[6:] {
		v := binary.BigEndian.Uint32(p[2:])
		switch binary.BigEndian.Uint16(p) {
		case settingHeaderTableSize:
			d.encoder.resize(v)
		case settingMaxConcurrentStreams:
			d.peer.maxStreams = int(min(v, maxStreamID))
		case settingMaxFrameSize:
			if v < defaultFrameSize || v >= 1<<24 {
				return errHTTP2
			}
			d.peer.maxFrame = int(v)
		case settingInitialWindowSize:
			if v > maxWindow {
				return errHTTP2
			}
			delta := int64(v) - d.peer.window
			d.peer.window = int64(v)
			for _, c := range d.open {
				c.window += delta
			}
		}
	}
	d.http = appendFrameHeader(d.http, 0, frameSettings, flagAck, 0)
	d.unblock()
	return nil
}

func (d *Downstream) windowUpdate(f *frame) error {
	if len(f.payload) != 4 {
		return errHTTP2
	}
	n := int64(binary.BigEndian.Uint32(f.payload) & maxWindow)
	if f.stream == 0 {
		if d.sendWindow += n; d.sendWindow > maxWindow {
			return errHTTP2
		}
	} else if c := d.open[f.stream]; c != nil {
		c.window += n
	}
	if len(d.blocked) > 0 {
		d.unblock()
	}
	return nil
}
