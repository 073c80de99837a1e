// Package text says where the readers of both serializations put text that does not
// stand in the message as such.
package text

// Keeper copies text to where it may live. *sdk.Message is one.
type Keeper interface {
	Keep(b []byte) []byte
}

// Copier is a Keeper that leaves the text to the garbage collector.
type Copier struct{}

// Keep returns a copy of b.
func (Copier) Keep(b []byte) []byte { return append([]byte(nil), b...) }

// Dropper is a Keeper that keeps nothing, for text that is skipped.
type Dropper struct{}

// Keep returns nil.
func (Dropper) Keep([]byte) []byte { return nil }
