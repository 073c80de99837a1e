package ir

import "time"

// Match is how a text is compared. The zero Match is any text, also none.
type Match struct {
	Kind  MatchKind
	Value string
}

// MatchKind is a way to compare.
type MatchKind uint8

// The ways to compare.
const (
	MatchAny    MatchKind = iota
	MatchExact            // the text is Value
	MatchPrefix           // the text starts with Value
	MatchRegex            // the whole text matches the RE2 expression Value
	MatchThere            // there is such a header
	MatchAbsent           // there is none
)

// Header is a header that a call has to have.
type Header struct {
	Name string
	Match
}

// Rule selects calls: all headers have to match.
type Rule struct {
	// Name is unique within an edge.
	Name    string
	Headers []Header
}

// LocalLimit is a token bucket that each proxy has for itself.
type LocalLimit struct {
	Rule

	Tokens, Burst uint32
	Interval      time.Duration
}

// GlobalLimits are limits that a rate limit service keeps.
type GlobalLimits struct {
	// Name is unique within an edge.
	Name    string
	Service RateLimitService
	Limits  []GlobalLimit
}

// RateLimitService is who is asked.
type RateLimitService struct {
	Cluster string // Istio's name of it
	Domain  string
	Timeout time.Duration
	Deny    bool // refuse calls while it does not answer
}

// GlobalLimit is a descriptor that calls are counted under.
type GlobalLimit struct {
	Rule

	Descriptor []Entry
}

// Entry is an entry of a descriptor: its value is Value, or that of Header, or the
// address of the caller.
type Entry struct {
	Key    string
	Value  string
	Header string
	Source bool
}
