package cli

import (
	"io"
	"os"
)

// Style colours text, or leaves it alone where colours are not wanted. The zero
// Style leaves it alone.
type Style struct{ on bool }

// StyleFor is the style for w: colours only if w is a terminal that shows them and
// the user did not set NO_COLOR (https://no-color.org).
func StyleFor(w io.Writer) Style {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return Style{}
	}
	info, err := file.Stat()
	return Style{on: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

// Bad is for what failed.
func (s Style) Bad(text string) string { return s.paint("31", text) }

// Good is for what worked.
func (s Style) Good(text string) string { return s.paint("32", text) }

// Warn is for what deserves a look.
func (s Style) Warn(text string) string { return s.paint("33", text) }

// Faint is for what may be skipped.
func (s Style) Faint(text string) string { return s.paint("2", text) }

func (s Style) paint(sgr, text string) string {
	if !s.on {
		return text
	}
	return "\x1b[" + sgr + "m" + text + "\x1b[0m"
}
