// Package migrate turns the configuration of Aeraki Mesh into that of Meltemi and Istio. It
// is pure: manifests in, manifests and notes out. It keeps the order of routes and what they
// mean; what cannot be kept, and what Aeraki did otherwise than it said, is a note.
//
// What becomes of each field is told by Fields, and in docs/migrate-from-aeraki.md.
//
// Source of what Aeraki's resources mean: aeraki-mesh/api (the proto files) and
// aeraki-mesh/aeraki (the generators in internal/plugin), as of May 2025.
package migrate
