package sdktest

import (
	"testing"
	"time"
)

// SetPatience makes a hang show soon.
func SetPatience(t *testing.T) {
	t.Helper()
	before := patience
	patience = 2 * time.Second
	t.Cleanup(func() { patience = before })
}
