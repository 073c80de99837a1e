package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/plugin"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// codecChoice are the flags of a command that uses one codec.
type codecChoice struct {
	config string
	plugin string
}

func (c *codecChoice) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.config, "codec-config", "", "configuration of the codec, a `JSON` object")
	cmd.Flags().StringVar(&c.plugin, "plugin", "", "run this `FILE`, a program with a codec (package plugin), which CODEC may name")
}

// make makes the codec with that name. When the command is done with it, it calls done.
// An error is one of usage.
func (c *codecChoice) make(ctx context.Context, codecs []sdk.Definition, name string) (codec sdk.Codec, done func(), err error) {
	codecs, done, err = withPlugin(ctx, codecs, c.plugin)
	if err != nil {
		return nil, nil, err
	}
	codec, err = makeCodec(codecs, name, c.config)
	if err != nil {
		done()
		return nil, nil, err
	}
	return codec, done, nil
}

// withPlugin starts the plugin in a file, if one is named, and adds its codec to the
// list. When the command is done with it, it calls done.
func withPlugin(ctx context.Context, codecs []sdk.Definition, path string) (list []sdk.Definition, done func(), err error) {
	if path == "" {
		return codecs, func() {}, nil
	}
	client, err := plugin.Open(ctx, path)
	if err != nil {
		return nil, nil, cli.Usagef("--plugin: %w", err)
	}
	added := client.Definition()
	if slices.ContainsFunc(codecs, func(d sdk.Definition) bool { return d.Name == added.Name }) {
		client.Close()
		return nil, nil, cli.Usagef("--plugin: %s carries codec %s, which this program has itself", path, added.Name)
	}
	return append(slices.Clip(codecs), added), client.Close, nil
}
