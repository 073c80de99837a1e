// Package plugin lets Meltemi's command line use a codec that is not compiled into it:
// the codec runs in a process of its own. The author's program is one line:
//
//	func main() { plugin.Serve(mine.Definition()) }
//
// With it, `meltemi inspect`, `call`, `serve` and `conformance` take --plugin FILE. The
// process is started when a command begins and ends with it. Envoy does not use plugins:
// a call would cross two processes more. `meltemi build` puts a codec into the library.
//
// The processes speak gRPC on a socket of their own, with the handshake of
// https://github.com/hashicorp/go-plugin; package pluginpb has the protocol, so a codec
// may also be written in another language.
package plugin
