package sdktest

import (
	"github.com/meltemi-mesh/meltemi/sdk"
)

// decideBy is the length by which a Sniffer has to know.
const decideBy = 64

// others begin what may share a port with the protocol.
var others = map[string]string{
	"HTTP/2":      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
	"HTTP/1 GET":  "GET /index.html HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n",
	"HTTP/1 POST": "POST /com.example.Service/method HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n",
	"TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" +
		"0123456789abcdef0123456789abcdef\x20" + "0123456789abcdef0123456789abcdef\x00\x02\x13\x01",
}

// checkSniffing shows the first bytes of clients: of the protocol's own, and of others.
func checkSniffing(c *checker) {
	s, ok := c.Codec.(sdk.Sniffer)
	if !ok {
		c.decline("the codec does not recognise its protocol, so it cannot share a port")
		return
	}
	for i := range c.Frames {
		f := &c.Frames[i]
		if f.From == sdk.FromClient && f.Refused == sdk.CauseUnknown {
			c.on(f)
			c.recognised(s, f)
		}
	}
	for _, name := range sorted(others) {
		c.tried()
		b := []byte(others[name])
		for n := 1; n <= len(b); n++ {
			if c.sniff(s, b[:n]) == sdk.MatchYes {
				c.fail(b[:n], "takes %s for its own", name)
				break
			}
		}
	}
}

// recognised shows the codec more and more of its own protocol.
func (c *checker) recognised(s sdk.Sniffer, f *Frame) {
	c.tried()
	before := sdk.MatchMaybe
	for n := 1; n <= min(len(f.Bytes), 2*decideBy); n++ {
		now := c.sniff(s, f.Bytes[:n])
		switch {
		case now == sdk.MatchNo:
			c.fail(f.Bytes[:n], "the first %d bytes are not recognised", n)
			return
		case before == sdk.MatchYes && now != sdk.MatchYes:
			c.fail(f.Bytes[:n], "with %d bytes it is no longer recognised", n)
			return
		case n >= decideBy && now == sdk.MatchMaybe:
			c.fail(f.Bytes[:n], "still undecided with %d bytes", n)
			return
		}
		before = now
	}
	if before != sdk.MatchYes && len(f.Bytes) < decideBy {
		c.fail(f.Bytes, "still undecided with the whole message; nothing more may come before it is answered")
	}
}

func (c *checker) sniff(s sdk.Sniffer, b []byte) sdk.Match {
	c.begin("Sniff", b)
	match := s.Sniff(b)
	c.end()
	return match
}
