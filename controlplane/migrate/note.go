package migrate

import (
	"fmt"
	"slices"
)

// Effect is what a note tells of a field.
type Effect string

// What becomes of fields that are not simply carried over.
const (
	Dropped Effect = "dropped" // nothing does it any more
	Changed Effect = "changed" // something does it, in another way
	ToDo    Effect = "to do"   // somebody has to do something
)

// Note tells what did not become the same.
type Note struct {
	File     string
	Document int
	Field    string
	Effect   Effect
	Text     string
}

func (n Note) String() string {
	return fmt.Sprintf("%s, document %d: %s: %s: %s", n.File, n.Document, n.Field, n.Effect, n.Text)
}

func (m *migration) note(d *document, effect Effect, field, format string, args ...any) {
	n := Note{File: d.file, Document: d.number, Field: d.prefix + field, Effect: effect, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(m.result.Notes, n) {
		m.result.Notes = append(m.result.Notes, n)
	}
}
