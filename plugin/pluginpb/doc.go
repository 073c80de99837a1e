// Package pluginpb is the protocol between Meltemi's command line and a codec in a process
// of its own, as codec.proto defines it. Package plugin speaks both sides of it.
package pluginpb

//go:generate ./generate.sh
