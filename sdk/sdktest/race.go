//go:build race

package sdktest

// raceEnabled: the race detector allocates too.
const raceEnabled = true
