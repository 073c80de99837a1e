// Package controller keeps Istio's EnvoyFilters as bindings and policies want them. It is
// the only part of the control plane that does I/O.
//
// It is level-based: any change leads to the same work, which reads everything from the
// cache, translates it (package translate), and writes what differs. There is one key of
// work, so nothing is done twice at a time, and a burst of changes is one piece of work.
//
// # What it writes
//
// EnvoyFilters with its label, by server-side apply; of those it deletes the ones that
// nothing wants any more, and only after everything could be read and translated. Status
// of bindings and policies. A finalizer on bindings: while a port is declared HTTP/2 to
// Istio, its proxies need the filters to read what clients send, so a deleted binding
// stays until its ports are declared tcp again, or are gone.
package controller
