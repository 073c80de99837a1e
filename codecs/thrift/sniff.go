package thrift

import "github.com/meltemi-mesh/meltemi/sdk"

// maxSniff is how many bytes a Sniffer may ask for.
const maxSniff = 64

// Sniff implements sdk.Sniffer. An envelope without a version is told by the name that
// it starts with, and by what is there of it once no more may be asked for.
func (c *Codec) Sniff(b []byte) sdk.Match {
	_, _, need, err := c.detect(b)
	switch {
	case err != nil:
		return sdk.MatchNo
	case need > 0 && len(b) < maxSniff:
		return sdk.MatchMaybe
	}
	return sdk.MatchYes
}
