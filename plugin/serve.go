package plugin

import (
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	hashicorp "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Serve is the main function of a plugin. It returns when the command that started the
// process is done with it, and ends the process when that command is gone without a word.
// Started by hand, the program says what it is and exits with 1.
func Serve(d sdk.Definition) {
	go outliveNobody(os.Getppid())
	hashicorp.Serve(&hashicorp.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         hashicorp.PluginSet{kind: &definition{codec: &d}},
		Logger:          hclog.NewNullLogger(), // the standard error is the user's
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage))...)
		},
	})
}

// parentInterval is how often a plugin looks whether its parent still lives.
const parentInterval = 500 * time.Millisecond

// outliveNobody ends the process once its parent is another than that: go-plugin tells a
// plugin of a command's end, but a command that was killed tells nothing.
func outliveNobody(parent int) {
	for range time.Tick(parentInterval) {
		if os.Getppid() != parent {
			os.Exit(1)
		}
	}
}
