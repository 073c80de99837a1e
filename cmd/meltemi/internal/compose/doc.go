// Package compose builds what a [Host] loads, such as a shared library for Envoy, out of
// Meltemi's own codecs and filters and those of other modules. A process holds one Go
// runtime only, so all of them have to be in one library, chosen when it is built.
//
// It writes a small Go module into a temporary folder and calls the go command there: a
// package with the list of codecs, a program that describes them, and the library.
package compose
