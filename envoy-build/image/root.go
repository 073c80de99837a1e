package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

const long = `Pack what envoy-build/compile.sh has compiled: as OCI images, without Docker, and as the
archives of a release. "make image" and "make release" call it.

An image becomes an OCI layout in --out, with one image for each platform and a CycloneDX
bill of materials that refers to it. With --push it goes to a registry as well, with the
account that docker login has stored.

The same compiled files, version, revision and date give the same bytes.`

// flags are what all commands have, and what some have.
type flags struct {
	binaries, root, out string
	version, revision   string
	date                int64
	platforms           []string
	push                string
	tag                 string
}

func newRootCmd() *cobra.Command {
	var f flags
	root := &cobra.Command{
		Use: "image", Short: "Pack images and release archives", Long: long,
		SilenceUsage: true, SilenceErrors: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	all := root.PersistentFlags()
	all.StringVar(&f.binaries, "binaries", "dist/build", "the `FOLDER` with linux_amd64 and linux_arm64, as compile.sh fills them")
	all.StringVar(&f.root, "root", ".", "the repository's `FOLDER`")
	all.StringVar(&f.out, "out", "dist", "the `FOLDER` that gets the result")
	all.StringVar(&f.version, "version", "", "the release's `VERSION`")
	all.StringVar(&f.revision, "revision", "", "the `COMMIT`")
	all.Int64Var(&f.date, "date", 0, "the date of all files, in `SECONDS` since 1970: that of the commit")
	all.StringSliceVar(&f.platforms, "platform", []string{"linux/amd64", "linux/arm64"}, "the `PLATFORMS`")
	root.AddCommand(newLibraryCmd(&f), newControllerCmd(&f), newProxyCmd(&f), newArchivesCmd(&f))
	return root
}

func newLibraryCmd(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "library", Short: "The library alone, for an image volume or an init container", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRelease(cmd, f, func(ctx context.Context, r *release) error {
				return deliver(ctx, cmd.OutOrStdout(), f, r, r.library())
			})
		},
	}
	pushFlag(cmd, f)
	return cmd
}

func newControllerCmd(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "controller", Short: "The controller", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRelease(cmd, f, func(ctx context.Context, r *release) error {
				return deliver(ctx, cmd.OutOrStdout(), f, r, r.controller())
			})
		},
	}
	pushFlag(cmd, f)
	return cmd
}

func newProxyCmd(f *flags) *cobra.Command {
	cmd := &cobra.Command{
		Use: "proxy BASE", Short: "A proxy's image with the library in it",
		Long: `Make a proxy's image: BASE, which is an image of a registry, with the library and the
variable that tells Envoy where it is. BASE needs glibc, which Envoy's and Istio's images
have, and an image for each platform.

The tag is that of BASE, -meltemi- and the version: the controller learns from the
beginning of a tag which Istio a proxy is of.`,
		Example: "  image proxy istio/proxyv2:1.31.0 --version v1.0.0 --push registry.example/team",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRelease(cmd, f, func(ctx context.Context, r *release) error {
				b, err := fetchBase(ctx, args[0])
				if err != nil {
					return err
				}
				how, err := r.proxy(b, f.tag)
				if err != nil {
					return err
				}
				return deliver(ctx, cmd.OutOrStdout(), f, r, how)
			})
		},
	}
	pushFlag(cmd, f)
	cmd.Flags().StringVar(&f.tag, "tag", "", "another `TAG` for the image")
	return cmd
}

func newArchivesCmd(f *flags) *cobra.Command {
	return &cobra.Command{
		Use: "archives", Short: "The archives of a release, with bills of materials and SHA256SUMS", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRelease(cmd, f, func(_ context.Context, r *release) error {
				names, err := r.archives(f.out)
				for _, name := range names {
					_, _ = fmt.Fprintln(cmd.OutOrStdout(), name)
				}
				return err
			})
		},
	}
}

func pushFlag(cmd *cobra.Command, f *flags) {
	cmd.Flags().StringVar(&f.push, "push", "", "push below this `PREFIX` too, such as registry.example/team")
}

// withRelease runs a command until it ends or a signal comes.
func withRelease(cmd *cobra.Command, f *flags, run func(context.Context, *release) error) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	r, err := newRelease(ctx, f)
	if err != nil {
		return err
	}
	return run(ctx, r)
}

// deliver makes an image, saves it, and pushes it if that is wanted.
func deliver(ctx context.Context, out io.Writer, f *flags, r *release, how *recipe) error {
	p, err := r.make(how)
	if err != nil {
		return err
	}
	folder, err := p.save(f.out)
	if err != nil {
		return err
	}
	digest, err := p.index.Digest()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s:%s %v in %s\n", p.name, p.tag, digest, folder); err != nil || f.push == "" {
		return err
	}
	pushed, err := p.push(ctx, f.push)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "pushed %s:%s as %v\n", pushed.Context(), p.tag, pushed)
	return err
}
