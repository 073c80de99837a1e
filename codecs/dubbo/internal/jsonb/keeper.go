package jsonb

// Keeper copies text that does not stand in the input as such to where it may live.
// *sdk.Message is one.
type Keeper interface {
	Keep(b []byte) []byte
}

// Copier is a Keeper that leaves the text to the garbage collector.
type Copier struct{}

// Dropper is a Keeper that keeps nothing.
type Dropper struct{}

// Keep returns a copy of b.
func (Copier) Keep(b []byte) []byte { return append([]byte(nil), b...) }

// Keep returns nil.
func (Dropper) Keep([]byte) []byte { return nil }
