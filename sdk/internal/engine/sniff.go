package engine

import (
	"bytes"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// What the first bytes of a connection turn out to be.
type firstBytes uint8

const (
	undecided firstBytes = iota
	isHTTP               // HTTP itself: passed through
	isRPC                // one of the codecs
	isNothing            // nobody knows
)

// maxSniff is how many bytes it may take to recognise a protocol.
const maxSniff = 64

// sniff looks at the first bytes of a client. HTTP/2 is recognised everywhere,
// since the proxy of another host speaks it; HTTP/1 only where several protocols
// share the port.
func (c *Config) sniff(b []byte, counts *Counts) (what firstBytes, codec int) {
	if len(b) == 0 {
		return undecided, 0
	}
	n := min(len(b), len(clientPreface))
	if string(b[:n]) == clientPreface[:n] {
		if n == len(clientPreface) {
			return isHTTP, 0
		}
		return undecided, 0
	}
	if !c.auto {
		return isRPC, 0
	}
	maybe := false
	switch startsHTTP1(b) {
	case sdk.MatchYes:
		return isHTTP, 0
	case sdk.MatchMaybe:
		maybe = true
	case sdk.MatchNo:
	}
	for i := range c.kinds {
		switch c.sniffOne(i, b, counts) {
		case sdk.MatchYes:
			return isRPC, i
		case sdk.MatchMaybe:
			maybe = true
		case sdk.MatchNo:
		}
	}
	if maybe && len(b) < maxSniff {
		return undecided, 0
	}
	return isNothing, 0
}

func (c *Config) sniffOne(i int, b []byte, counts *Counts) (match sdk.Match) {
	g := guarded{cfg: c, codec: c.codecs[i], index: i, counts: counts}
	defer g.recover("Sniff", func(error) { match = sdk.MatchNo })
	return c.kinds[i].sniffer.Sniff(b)
}

// http1Methods are the methods of RFC 9110 and PATCH, each with its space.
var http1Methods = [][]byte{
	[]byte("GET "), []byte("HEAD "), []byte("POST "), []byte("PUT "), []byte("DELETE "),
	[]byte("CONNECT "), []byte("OPTIONS "), []byte("TRACE "), []byte("PATCH "),
}

func startsHTTP1(b []byte) sdk.Match {
	for _, m := range http1Methods {
		if bytes.HasPrefix(b, m) {
			return sdk.MatchYes
		}
		if bytes.HasPrefix(m, b) {
			return sdk.MatchMaybe
		}
	}
	return sdk.MatchNo
}

// ListenerPeek is how many bytes a listener filter that sniffs has to see at most.
const ListenerPeek = len(clientPreface)

// SniffListener tells HTTP/1 from everything else, which this library turns into
// HTTP/2. b are the first bytes of a connection.
func SniffListener(b []byte) (http1, decided bool) {
	switch startsHTTP1(b) {
	case sdk.MatchYes:
		return true, true
	case sdk.MatchMaybe:
		return false, len(b) >= ListenerPeek
	case sdk.MatchNo:
	}
	return false, len(b) > 0
}
