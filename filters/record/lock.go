//go:build linux || darwin

package record

import (
	"errors"
	"os"
	"syscall"
)

// lock tells other writers that a file is being written, until it is closed or the process
// ends.
func lock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// isLocked tells whether a writer has the file. Where files cannot be locked, as on some
// that are on a network, it says no.
func isLocked(path string) bool {
	f, err := os.Open(path) //nolint:gosec // a file of the configured folder
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
