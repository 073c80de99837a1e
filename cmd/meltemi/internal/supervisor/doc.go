// Package supervisor runs one Envoy from a mesh file: it starts it, serves it its
// configuration, follows the file, and stops it. All I/O of `meltemi run` and of
// `meltemi validate` is here.
package supervisor
