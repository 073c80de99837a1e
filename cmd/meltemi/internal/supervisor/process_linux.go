package supervisor

import "syscall"

// processAttributes ties Envoy to this program, and keeps the terminal's signals from
// it: this program decides how it stops.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
