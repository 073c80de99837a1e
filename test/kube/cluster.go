package kube

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/meltemi-mesh/meltemi/test/machine"
)

// admin is the user who may do everything.
const admin = "admin"

// Cluster is a Kubernetes API. It knows one administrator and the users that it was
// started with, and asks RBAC what they may do.
type Cluster struct {
	// Config and Client are the administrator's. The client does not cache.
	Config *rest.Config
	Client client.Client

	tb      testing.TB
	dir     string
	host    string // what clients dial
	flags   []string
	server  *Process
	configs map[string]*rest.Config // by user
}

// Options are how a cluster differs from one that Start makes.
type Options struct {
	// Users beside the administrator, such as system:serviceaccount:NAMESPACE:NAME.
	Users []string
	// Address is where the API server listens and is dialed, HOST:PORT. A free port of
	// 127.0.0.1 by default.
	Address string
	// ClusterIPs is where Services get their addresses from. 10.96.0.0/16 by default.
	ClusterIPs string
	// ServiceAccounts has every Pod run as one, "default" if it does not say, which
	// somebody has to make.
	ServiceAccounts bool
	// Audit is a file that gets an audit event, in a line of JSON, for each request.
	Audit string
}

// Start starts a Kubernetes API that knows users beside the administrator, such as
// system:serviceaccount:NAMESPACE:NAME. It has the definitions of Kubernetes alone.
func Start(tb testing.TB, users ...string) *Cluster {
	tb.Helper()
	return StartWith(tb, Options{Users: users})
}

// StartWith is Start with options.
func StartWith(tb testing.TB, o Options) *Cluster {
	tb.Helper()
	log.SetLogger(logr.Discard())
	o.Address = cmp.Or(o.Address, fmt.Sprintf("127.0.0.1:%d", machine.FreePort(tb)))
	o.ClusterIPs = cmp.Or(o.ClusterIPs, "10.96.0.0/16")
	host, port, err := net.SplitHostPort(o.Address)
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cluster{tb: tb, dir: tb.TempDir(), host: "https://" + o.Address, configs: map[string]*rest.Config{}}
	var tokens strings.Builder
	tokens.WriteString(c.user(admin, "system:masters"))
	for _, user := range o.Users {
		tokens.WriteString(c.user(user, "system:authenticated"))
	}
	c.Config = c.configs[admin]
	c.write("tokens.csv", tokens.String())
	c.keys()
	etcd := c.etcd()
	c.flags = []string{
		"--etcd-servers=" + etcd, "--bind-address=" + host, "--secure-port=" + port,
		"--cert-dir=" + filepath.Join(c.dir, "certs"), "--token-auth-file=" + filepath.Join(c.dir, "tokens.csv"),
		"--authorization-mode=RBAC", "--service-cluster-ip-range=" + o.ClusterIPs,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + filepath.Join(c.dir, "sa.pub"),
		"--service-account-signing-key-file=" + filepath.Join(c.dir, "sa.key"),
	}
	if !o.ServiceAccounts {
		c.flags = append(c.flags, "--disable-admission-plugins=ServiceAccount") // nobody makes the default ones
	}
	if o.Audit != "" {
		c.write("audit.json", `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [{"level": "Metadata"}]}`)
		c.flags = append(c.flags, "--audit-policy-file="+filepath.Join(c.dir, "audit.json"), "--audit-log-path="+o.Audit)
	}
	c.StartServer()
	return c
}

// For is the same cluster for a test that did not start it: what fails, fails that test.
func (c *Cluster) For(tb testing.TB) *Cluster {
	of := *c
	of.tb = tb
	return &of
}

// user makes a user's configuration, and the line of the file of tokens.
func (c *Cluster) user(name, group string) string {
	token := fmt.Sprintf("token-of-%d", len(c.configs))
	c.configs[name] = &rest.Config{
		Host: c.host, BearerToken: token,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // the server made its certificate itself
		QPS:             -1,
	}
	return fmt.Sprintf("%s,%s,%s,%q\n", token, name, name, group)
}

// keys makes the keys that service accounts' tokens are signed with.
func (c *Cluster) keys() {
	c.tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		c.tb.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		c.tb.Fatal(err)
	}
	c.write("sa.key", string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})))
	c.write("sa.pub", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})))
}

// etcd starts the store, and returns its address. It need not be up for the server to
// start.
func (c *Cluster) etcd() string {
	c.tb.Helper()
	path, err := exec.LookPath("etcd")
	if err != nil {
		c.tb.Fatalf("%v (.ci/install gets etcd-server on Debian)", err)
	}
	clients, peers := fmt.Sprintf("http://127.0.0.1:%d", machine.FreePort(c.tb)), fmt.Sprintf("http://127.0.0.1:%d", machine.FreePort(c.tb))
	Begin(c.tb, exec.Command(path, "--data-dir", filepath.Join(c.dir, "etcd"),
		"--listen-client-urls", clients, "--advertise-client-urls", clients,
		"--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", "default="+peers))
	return clients
}

// StartServer starts the API server, also again after StopServer, and waits until it is
// ready.
func (c *Cluster) StartServer() {
	c.tb.Helper()
	c.server = Begin(c.tb, exec.Command(Part(c.tb, "kube-apiserver"), c.flags...))
	c.tb.Cleanup(c.server.Kill) // it would wait for those who watch
	var err error
	Eventually(c.tb, Patience, func() string {
		if c.server.Ended() {
			c.tb.Fatal("kube-apiserver ended")
		}
		// The client asks the server what there is, so it is made once there is one.
		if c.Client, err = client.New(c.Config, client.Options{Scheme: Scheme(c.tb)}); err != nil {
			return err.Error()
		}
		return c.ready()
	})
}

// StopServer ends the API server at once. What it has stored stays.
func (c *Cluster) StopServer() { c.server.Kill() }

// Kubeconfig writes a file for kubectl and its like, for a user.
func (c *Cluster) Kubeconfig(user string) string {
	c.tb.Helper()
	of := c.configs[user]
	if of == nil {
		c.tb.Fatalf("the cluster was started without user %s", user)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: of.Host, InsecureSkipTLSVerify: true}
	config.AuthInfos["user"] = &clientcmdapi.AuthInfo{Token: of.BearerToken}
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "user"}
	config.CurrentContext = "test"
	path := filepath.Join(c.dir, "kubeconfig-"+strings.ReplaceAll(user, ":", "-"))
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		c.tb.Fatal(err)
	}
	return path
}

func (c *Cluster) write(name, text string) {
	c.tb.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.tb.Fatal(err)
	}
}
