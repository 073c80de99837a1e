package supervisor

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/mesh"
)

// Options is what Run needs.
type Options struct {
	// File is the mesh file.
	File string
	// Envoy is the binary to run.
	Envoy string
	// Library is the shared library, empty if there is none.
	Library string
	// Check judges the configuration of codecs and filters.
	Check mesh.Check
	// Concurrency is the number of Envoy's worker threads.
	Concurrency int
	// LogLevel is Envoy's, such as "warning".
	LogLevel string
	// DrainTime bounds how long connections go on after a stop, or after a change of
	// their listener.
	DrainTime time.Duration
	// Out gets one line when Envoy is ready and one for each reload.
	Out io.Writer
	// Err gets what is wrong with the file, and Envoy's log.
	Err io.Writer
	// Signals are SIGINT and SIGTERM, which stop, SIGHUP, which reloads, and
	// SIGUSR1, which Envoy gets: it opens its logs anew.
	Signals <-chan os.Signal
}

// read reads the mesh file.
func (o *Options) read() ([]byte, *mesh.Mesh, error) {
	file, err := os.ReadFile(o.File)
	if err != nil {
		return nil, nil, err
	}
	m, err := mesh.Parse(file, o.Check)
	if err == nil && o.Library == "" && m.NeedsModule() {
		err = MissingLibrary()
	}
	return file, m, err
}

// Files in the private folder of a run.
const (
	socketFile    = "xds.sock"
	bootstrapFile = "bootstrap.yaml"
	addressFile   = "admin-address"
)

// arguments is Envoy's command line.
func (o *Options) arguments(folder string) []string {
	return []string{
		"-c", filepath.Join(folder, bootstrapFile),
		"--admin-address-path", filepath.Join(folder, addressFile),
		"--concurrency", strconv.Itoa(o.Concurrency),
		"--log-level", o.LogLevel,
		"--drain-time-s", strconv.Itoa(int(o.DrainTime.Round(time.Second) / time.Second)),
		"--disable-hot-restart", // needs no base id, so that any number of Envoys run beside each other
	}
}
