package plugin

import (
	"github.com/hashicorp/go-hclog"
	hashicorp "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Serve is the main function of a plugin. It returns when the command that started the
// process is done with it. Started by hand, the program says what it is and exits with 1.
func Serve(d sdk.Definition) {
	hashicorp.Serve(&hashicorp.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         hashicorp.PluginSet{kind: &definition{codec: &d}},
		Logger:          hclog.NewNullLogger(), // the standard error is the user's
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))...)
		},
	})
}
