//go:build race

package brpc

const raceEnabled = true
