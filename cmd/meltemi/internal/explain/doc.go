// Package explain says what captured bytes mean, message by message, and where they
// mean nothing: the base of `meltemi inspect`.
package explain
