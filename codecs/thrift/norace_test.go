//go:build !race

package thrift

const raceEnabled = false
