package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong, or looks wrong, in a mesh file.
type Problem struct {
	// Path is the field, such as listeners[0].codec; empty for the file as a whole.
	Path string
	// Line is the line in the file, from 1; 0 when the field is not in the file.
	Line int
	// Text says what is wrong, and what would be right.
	Text string
}

// String is the problem in one line: path, text, line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Text)
	if p.Line > 0 {
		fmt.Fprintf(&b, " (line %d)", p.Line)
	}
	return b.String()
}

// InvalidError is everything that is wrong in a mesh file.
type InvalidError struct {
	// Problems are in the order of the file's lines; there is at least one.
	Problems []Problem
}

// Error lists the problems, one in a line.
func (e *InvalidError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problems collects what is wrong while a file is read.
type problems []Problem

// sorted is the problems by line, each once.
func (ps *problems) sorted() []Problem {
	slices.SortStableFunc(*ps, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return slices.Compact(*ps)
}

// err is the problems as an error, nil if there are none.
func (ps *problems) err() error {
	if len(*ps) == 0 {
		return nil
	}
	return &InvalidError{Problems: ps.sorted()}
}

// add notes a problem of the field at path whose value (or key) is at line.
func (ps *problems) add(path string, line int, format string, args ...any) {
	*ps = append(*ps, Problem{Path: path, Line: line, Text: fmt.Sprintf(format, args...)})
}
