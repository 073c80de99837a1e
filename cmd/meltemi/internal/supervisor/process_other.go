//go:build unix && !linux

package supervisor

import "syscall"

// processAttributes keeps the terminal's signals from Envoy: this program decides how
// it stops.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
