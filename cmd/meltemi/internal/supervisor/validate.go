package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
)

// AskEnvoy lets the Envoy at path judge a mesh, with the library if there is one.
func AskEnvoy(ctx context.Context, path, library string, m *mesh.Mesh) error {
	if library == "" && m.NeedsModule() {
		return MissingLibrary()
	}
	folder, err := os.MkdirTemp("", "meltemi-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // the system clears its folder some day
	config, err := m.YAML()
	if err != nil {
		return err
	}
	file := filepath.Join(folder, "envoy.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return err
	}
	//nolint:gosec // the user chooses the Envoy
	cmd := exec.CommandContext(ctx, path, "--mode", "validate", "-c", file, "--log-level", "warning")
	cmd.Env = os.Environ()
	if library != "" {
		search, err := searchPath(library, folder)
		if err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, searchPathVariable+"="+search)
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			return fmt.Errorf("run Envoy: %w", err)
		}
		return fmt.Errorf("Envoy refuses the configuration: %s", complaint(output.String(), file)) //nolint:staticcheck // a name
	}
	return nil
}

// logPrefix is what Envoy's log puts before a message.
var logPrefix = regexp.MustCompile(`^(\[[^\]]*\])+ (\[[^\]]*\] )?`)

// complaint is what Envoy's output says is wrong: its errors without the log's
// decoration, each once, or all of the output if it names none.
func complaint(output, file string) string {
	var found []string
	seen := map[string]bool{}
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if !strings.Contains(line, "[critical]") && !strings.Contains(line, "[error]") {
			continue
		}
		line = logPrefix.ReplaceAllString(line, "")
		line = strings.TrimPrefix(line, "error initializing configuration '"+file+"': ")
		if !seen[line] {
			seen[line] = true
			found = append(found, line)
		}
	}
	if len(found) == 0 {
		return strings.TrimSpace(output)
	}
	return strings.Join(found, "; ")
}
