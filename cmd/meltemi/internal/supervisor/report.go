package supervisor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/xds"
)

// printReady tells the one line that scripts wait for: each listener's real address,
// in the order of the file, and the admin interface's.
func (s *supervisor) printReady() {
	var b strings.Builder
	b.WriteString(cli.StyleFor(s.options.Out).Good("ready"))
	for _, name := range s.started.ListenerNames() {
		fmt.Fprintf(&b, " %s=%s", name, s.bound[name])
	}
	fmt.Fprintf(&b, " admin=%s\n", s.admin.address)
	s.out(b.String())
}

// printReloaded tells what a reload changed, with the addresses of listeners that are
// new or moved, and what must wait for a restart.
func (s *supervisor) printReloaded(changes mesh.Changes, before map[string]string) {
	what := "nothing changed"
	if len(changes.Applied) > 0 {
		what = strings.Join(changes.Applied, "; ")
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", cli.StyleFor(s.options.Out).Good("reloaded"), what)
	for _, name := range s.running.ListenerNames() {
		if before[name] != s.bound[name] {
			fmt.Fprintf(&b, " %s=%s", name, s.bound[name])
		}
	}
	s.out(b.String() + "\n")
	if len(changes.Restart) > 0 {
		s.err("%s only a restart applies: %s\n", cli.StyleFor(s.options.Err).Warn("restart needed"), strings.Join(changes.Restart, "; "))
	}
}

// printRefused tells why a reload did not happen.
func (s *supervisor) printRefused(err error) {
	goesOn := "; the configuration before it goes on"
	if errors.Is(err, errTaken) {
		goesOn = " as a whole"
	}
	s.err("%s %s%s\n", cli.StyleFor(s.options.Err).Bad("not reloaded"), s.options.File, goesOn)
	for line := range strings.Lines(explanation(err)) {
		s.err("  %s\n", strings.TrimSuffix(line, "\n"))
	}
}

// explanation is an error without what only matters at the start.
func explanation(err error) string {
	if rejected, ok := errors.AsType[*xds.RejectedError](err); ok {
		return rejected.Error()
	}
	return err.Error()
}

func (s *supervisor) printDraining() {
	s.err("stopping: connections have %s to end; a second signal stops at once\n", s.options.DrainTime)
}

// warn tells what looks wrong in a mesh.
func (s *supervisor) warn(m *mesh.Mesh) {
	for _, w := range m.Warnings() {
		s.err("%s %s: %s\n", cli.StyleFor(s.options.Err).Warn("warning"), s.options.File, w)
	}
}

// out writes to the user.
func (s *supervisor) out(text string) {
	fmt.Fprint(s.options.Out, text) //nolint:errcheck // nobody is left to tell
}

// err writes to the user what is wrong.
func (s *supervisor) err(format string, args ...any) {
	fmt.Fprintf(s.options.Err, format, args...) //nolint:errcheck // nobody is left to tell
}
