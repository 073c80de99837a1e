package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/supervisor"
	"github.com/meltemi-mesh/meltemi/controlplane/manifest"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/moduleconfig"
	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// manifestFlags are the flags of commands that work on manifests of Kubernetes, and what
// the mesh's administrator would have told the controller.
type manifestFlags struct {
	files   []string
	library string
	options translate.Options
}

func (f *manifestFlags) add(cmd *cobra.Command) {
	addFiles(cmd, &f.files)
	flags := cmd.Flags()
	flags.StringVar(&f.library, "library", "", "the shared library, a `FILE`, whose codecs and filters may be named (default: as for meltemi run)")
	flags.StringVar(&f.options.RootNamespace, "root-namespace", "istio-system", "Istio's root `NAMESPACE`")
	flags.StringSliceVar(&f.options.ClientNamespaces, "client-namespaces", nil, "the only `NAMESPACES` whose clients are served (default: the whole mesh)")
	flags.StringVar(&f.options.ClusterDomain, "cluster-domain", "cluster.local", "the `DOMAIN` of services")
	flags.BoolVar(&f.options.ProxiesHaveLibrary, "proxies-have-library", false, "all proxies have the library in their image")
}

func addFiles(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVarP(files, "filename", "f", nil, "a `FILE` of manifests, a folder (*.yaml, *.yml, *.json), or - for the standard input; may be repeated")
	cmd.MarkFlagFilename("filename", "yaml", "yml", "json") //nolint:errcheck,gosec // fails for an unknown flag only
}

// read reads the manifests and what the library carries.
func (f *manifestFlags) read(cmd *cobra.Command, builtin []sdk.Definition) (*manifest.Reader, error) {
	if cmd.Flags().Changed("client-namespaces") && len(f.options.ClientNamespaces) == 0 {
		return nil, cli.Usagef("--client-namespaces: names no namespace; leave it out for the whole mesh")
	}
	if err := f.readLibrary(builtin); err != nil {
		return nil, err
	}
	r, err := manifest.NewReader()
	if err != nil {
		return nil, err
	}
	return r, readAll(r, cmd, f.files)
}

// readLibrary takes the codecs and filters of the library, or, without one, those of this
// program.
func (f *manifestFlags) readLibrary(builtin []sdk.Definition) error {
	path, err := supervisor.FindLibrary(f.library)
	if err != nil {
		return cli.Usagef("%w", err)
	}
	info, err := libraryInfo(path, builtin)
	if err != nil {
		return err
	}
	codecs := codecsOf(info, builtin)
	filters := filtersOf(info, builtinFilters())
	f.options.CheckCodec = func(config []byte) error { return moduleconfig.Check(config, codecs) }
	f.options.CheckFilter = func(name string, config []byte) error {
		return moduleconfig.CheckFilter(name, config, codecs, filters)
	}
	for _, c := range info.Codecs {
		f.options.Codecs = append(f.options.Codecs, translate.CodecInfo{Name: c.Name, Sniffs: slices.Contains(c.Capabilities, "sniff")})
	}
	for i := range info.Filters {
		f.options.Filters = append(f.options.Filters, info.Filters[i].Name)
	}
	return nil
}

func libraryInfo(path string, builtin []sdk.Definition) (*moduleinfo.Info, error) {
	if path == "" {
		return moduleinfo.Describe(builtin, builtinFilters())
	}
	info, err := moduleinfo.Read(path)
	if errors.Is(err, moduleinfo.ErrNone) {
		return moduleinfo.Describe(builtin, builtinFilters())
	}
	if err != nil {
		return nil, cli.Usagef("%w", err)
	}
	return info, nil
}

// manifestReader takes the manifests of a file.
type manifestReader interface {
	Read(file string, content io.Reader) error
}

// readAll reads all files, folders and the standard input that were named. An error of
// a document is told with all others.
func readAll(r manifestReader, cmd *cobra.Command, files []string) error {
	if len(files) == 0 {
		return cli.Usagef("-f is needed: a file, a folder, or - (see %q)", cmd.CommandPath()+" --help")
	}
	var problems []error
	for _, name := range files {
		problems = append(problems, readManifests(r, name, cmd.InOrStdin()))
	}
	return errors.Join(problems...)
}

// readManifests reads a file, a folder, or the standard input.
func readManifests(r manifestReader, name string, stdin io.Reader) error {
	if name == "-" {
		return r.Read("standard input", stdin)
	}
	info, err := os.Stat(name)
	if err != nil {
		return cli.Usagef("-f: %w", err)
	}
	if !info.IsDir() {
		return readManifest(r, name)
	}
	var problems []error
	found := 0
	err = filepath.WalkDir(name, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".json":
			if !entry.IsDir() {
				found++
				problems = append(problems, readManifest(r, path))
			}
		}
		return nil
	})
	if err == nil && found == 0 {
		return cli.Usagef("-f: there are no manifests (*.yaml, *.yml, *.json) in %s", name)
	}
	return errors.Join(append(problems, err)...)
}

func readManifest(r manifestReader, path string) error {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // only read
	return r.Read(path, file)
}

// warnUnknown tells of documents that were left alone.
func warnUnknown(w io.Writer, r *manifest.Reader) {
	for _, u := range r.Unknown {
		_, _ = fmt.Fprintf(w, "left alone: %s\n", u)
	}
}

// warnReplaced tells of resources that are in the input several times.
func warnReplaced(w io.Writer, r *manifest.Reader) {
	for _, p := range r.Replaced {
		_, _ = fmt.Fprintf(w, "replaced: %s\n", p)
	}
}
