//go:build !race

package brpc

const raceEnabled = false
