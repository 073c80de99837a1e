// Package format is the file format of recorded calls, which the filter record writes
// and `meltemi inspect` and `meltemi replay` read: lines of JSON, the first a Header,
// each other a Call. docs/filter-record.md tells it to people.
//
// Within a version fields may be added, and readers ignore those that they do not know.
package format
