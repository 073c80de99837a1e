package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/meltemi-mesh/meltemi/controlplane/controller"
	"github.com/meltemi-mesh/meltemi/controlplane/library"
	"github.com/meltemi-mesh/meltemi/controlplane/render"
	"github.com/meltemi-mesh/meltemi/controlplane/translate"
)

const long = `Keep Istio's configuration as CodecBindings and RateLimitPolicies want it.

The controller writes EnvoyFilters with the label app.kubernetes.io/managed-by:
meltemi-controller, and the status of its own resources. It needs nothing of Istio's but
its resources, and any number of replicas may run: one leads, the others wait.

It finds the API server as kubectl does, or as a pod does.`

// options are the flags.
type options struct {
	translate   translate.Options
	render      render.Options
	libraryInfo string
	leaderElect bool
	namespace   string
	metrics     string
	probes      string
	debug       bool
	json        bool
}

func newCmd() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use: "meltemi-controller", Short: "Keep Istio's configuration as bindings and policies want it", Long: long,
		Version: version, Args: cobra.NoArgs, SilenceUsage: true, SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("client-namespaces") && len(o.translate.ClientNamespaces) == 0 {
				return errors.New("--client-namespaces: names no namespace; leave it out for the whole mesh")
			}
			return run(&o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.translate.RootNamespace, "root-namespace", "istio-system", "Istio's root `NAMESPACE`")
	f.StringSliceVar(&o.translate.ClientNamespaces, "client-namespaces", nil, "the only `NAMESPACES` whose clients are served; the controller then writes nothing into the root namespace for clients (default: the whole mesh)")
	f.StringVar(&o.translate.ClusterDomain, "cluster-domain", "cluster.local", "the `DOMAIN` of services")
	f.BoolVar(&o.translate.ProxiesHaveLibrary, "proxies-have-library", false, "all proxies have the library in their image; otherwise a pod shows it by the label meltemi.dev/library: \"true\" or by its proxy's search path, and proxies of clients tell istiod by ISTIO_META_MELTEMI=true")
	f.StringVar(&o.render.Library, "library", "meltemi", "how proxies find the library: the `NAME` of lib<NAME>.so in their search path, or an absolute path")
	f.StringVar(&o.libraryInfo, "library-info", "", "what the library carries, a `FILE` that meltemi codecs -o json printed (default: what this release's does)")
	f.BoolVar(&o.leaderElect, "leader-elect", true, "work only as the leader of all replicas")
	f.StringVar(&o.namespace, "leader-election-namespace", "", "the `NAMESPACE` of the lease (default: the pod's own)")
	f.StringVar(&o.metrics, "metrics-bind-address", ":8080", "the `ADDRESS` of /metrics; 0 serves none")
	f.StringVar(&o.probes, "health-probe-bind-address", ":8081", "the `ADDRESS` of /healthz and /readyz")
	f.BoolVar(&o.debug, "debug", false, "log more")
	f.BoolVar(&o.json, "log-json", true, "log in JSON")
	return cmd
}

func run(o *options) error {
	logger := zap.New(zap.UseDevMode(!o.json), zap.Level(levelOf(o.debug)))
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	carried, err := readLibrary(o.libraryInfo)
	if err != nil {
		return err
	}
	carried.Options(&o.translate)
	o.render.ProxiesHaveLibrary = o.translate.ProxiesHaveLibrary
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the API server: %w", err)
	}
	manager, err := newManager(o, config, logger)
	if err != nil {
		return err
	}
	controller.RegisterMetrics()
	r := &controller.Reconciler{
		Client: manager.GetClient(), Live: manager.GetAPIReader(), Events: manager.GetEventRecorder(controller.Name),
		Translate: o.translate, Render: o.render,
	}
	if err := r.Setup(manager); err != nil {
		return err
	}
	logger.Info("starting", "version", version)
	return manager.Start(ctrl.SetupSignalHandler())
}

func newManager(o *options, config *rest.Config, logger logr.Logger) (ctrl.Manager, error) {
	scheme, err := controller.NewScheme()
	if err != nil {
		return nil, err
	}
	wait := 10 * time.Second
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: scheme, Logger: logger, Cache: controller.CacheOptions(),
		Metrics: server.Options{BindAddress: o.metrics}, HealthProbeBindAddress: o.probes,
		LeaderElection: o.leaderElect, LeaderElectionID: "meltemi-controller", LeaderElectionNamespace: o.namespace,
		LeaderElectionReleaseOnCancel: true, GracefulShutdownTimeout: &wait,
	})
	if err != nil {
		return nil, err
	}
	if err := manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, err
	}
	return manager, manager.AddReadyzCheck("ping", healthz.Ping)
}

func readLibrary(path string) (*library.Library, error) {
	text := library.Builtin
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil { //nolint:gosec // the administrator names the file
			return nil, fmt.Errorf("--library-info: %w", err)
		}
	}
	l, err := library.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("--library-info %s: %w", path, err)
	}
	return l, nil
}

// levelOf is what is logged: with debug also each time that work was done.
func levelOf(debug bool) zapcore.Level {
	if debug {
		return zapcore.DebugLevel
	}
	return zapcore.InfoLevel
}
