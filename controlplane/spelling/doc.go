// Package spelling knows how the library writes a call as HTTP: which path a service and a
// method have, and which header an entry of metadata. Rules that are made for calls, and
// those that are judged, go by it.
package spelling
