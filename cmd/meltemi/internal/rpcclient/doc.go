// Package rpcclient calls a server in any protocol that has a codec with a
// RequestBuilder: the base of `meltemi call`.
//
// A Conn has at most one call open at a time, which every protocol allows. Callers
// that want more open several.
package rpcclient
