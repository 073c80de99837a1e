package engine

import "time"

// Output says what the host has to do after a call of the client's edge. It is
// reused: it and its slices are valid until the next call.
type Output struct {
	// HTTP goes to the HTTP connection manager, in order and at once. It is empty
	// after Write, from which nothing may be injected.
	HTTP []byte
	// Peer goes to the RPC client.
	Peer []byte
	// Hurry says that the connection manager is about to end the connection: nothing of
	// Peer, or of what came before, may be held back from now on.
	Hurry bool
	// Close asks for the end of the client's connection, after Peer.
	Close CloseKind
	// Reading asks for the client's bytes to be held back, or not any more.
	Reading ReadChange
	// Wake asks for a call of Wake as soon as the host's scheduler gets to it.
	Wake bool
	// WakeIn asks for a call of Wake after that time, instead of at any time asked
	// for before. Zero changes nothing.
	WakeIn time.Duration
	// PassThrough says that the connection speaks HTTP itself: HTTP holds what was
	// held back, and no further call but Closed is wanted.
	PassThrough bool
	// Counts are changes of metrics. The host takes them with Each or MoveTo.
	Counts *Counts
}

// CloseKind is how a connection ends.
type CloseKind uint8

// The ways to end a connection.
const (
	CloseNone       CloseKind = iota
	CloseAfterFlush           // after what was written has been sent
	CloseNow
)

// ReadChange is a change of whether the host reads from the client.
type ReadChange uint8

// The changes.
const (
	ReadUnchanged ReadChange = iota
	ReadPause
	ReadResume
)
