package sdk

// The host enforces these limits; each can be configured, and a codec need not
// know them. They are here for tools and tests.
const (
	// DefaultMaxMessage is the greatest length of one message, in bytes.
	DefaultMaxMessage = 16 << 20
	// DefaultMaxMetadata is how many entries of a message may become headers.
	DefaultMaxMetadata = 256
	// DefaultMaxMetadataBytes bounds the names and values of those entries.
	DefaultMaxMetadataBytes = 48 << 10
)

// MaxDepth is how deep values may nest in a message before a codec calls it
// malformed, unless the protocol sets a bound of its own.
const MaxDepth = 64
