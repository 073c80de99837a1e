package engine

import "github.com/meltemi-mesh/meltemi/sdk"

// Scratch is memory that clients' edges need only while one of their methods runs, and
// for the output that it returns. The edges of a thread share one, so that a thousand
// idle connections cost no more of it than one: an output is valid until the next call
// of any of them.
type Scratch struct {
	http, peer              []byte // of the output at hand
	fromClient, fromManager []byte // chunks, joined

	message  sdk.Message
	mutation sdk.Mutation
	fields   fields     // of the request at hand
	block    []byte     // the same, encoded
	headers  headerCopy // of the header block at hand
}

// maxScratch is how much each of the buffers may keep: room for the reads of a busy
// connection, not for one great message for ever.
const maxScratch = 1 << 20

func (s *Scratch) trim() {
	for _, b := range []*[]byte{&s.http, &s.peer, &s.fromClient, &s.fromManager, &s.block} {
		if cap(*b) > maxScratch {
			*b = nil
		}
	}
}
