// Package framing splits the bytes of one direction of a connection into messages,
// with a codec, within a limit. The tools of the command line share it: the client,
// the server and the reader of captures.
package framing
