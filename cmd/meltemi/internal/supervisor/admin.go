package supervisor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// admin is Envoy's admin interface.
type admin struct {
	address string // host:port, or the path of a unix socket
	client  *http.Client
}

// newAdmin is the admin interface at address, as Envoy writes it into its address
// file.
func newAdmin(address string) *admin {
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	return &admin{address: address, client: &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{DialContext: dial},
	}}
}

// close gives back the connections.
func (a *admin) close() { a.client.CloseIdleConnections() }

// call asks for path and returns the answer's body.
func (a *admin) call(ctx context.Context, method, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://envoy"+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Envoy's admin interface: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	const most = 16 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("ask Envoy's admin interface for %s: it answers %s", path, resp.Status)
	}
	return body, err
}

// listeners are the real addresses of the listeners that accept connections, by name.
func (a *admin) listeners(ctx context.Context) (map[string]string, error) {
	body, err := a.call(ctx, http.MethodGet, "/listeners?format=json")
	if err != nil {
		return nil, err
	}
	type address struct {
		Socket struct {
			Address string `json:"address"`
			Port    uint16 `json:"port_value"`
		} `json:"socket_address"`
		Pipe struct {
			Path string `json:"path"`
		} `json:"pipe"`
	}
	var answer struct {
		Listeners []struct {
			Name  string  `json:"name"`
			Local address `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read Envoy's listeners: %w", err)
	}
	found := map[string]string{}
	for _, l := range answer.Listeners {
		switch local := l.Local; {
		case local.Pipe.Path != "":
			found[l.Name] = "unix:" + local.Pipe.Path
		case local.Socket.Address != "":
			found[l.Name] = net.JoinHostPort(local.Socket.Address, strconv.Itoa(int(local.Socket.Port)))
		}
	}
	return found, nil
}

// drain makes Envoy stop accepting connections and end those that it has, each when
// it is idle.
func (a *admin) drain(ctx context.Context) error {
	_, err := a.call(ctx, http.MethodPost, "/drain_listeners?graceful")
	return err
}

// connections is the number of clients' connections.
func (a *admin) connections(ctx context.Context) (int, error) {
	return a.gauges(ctx, `^listener\..*\.downstream_cx_active$`, func(name string) bool {
		// each worker has the gauge as well, and the admin interface is no client
		return !strings.Contains(name, ".worker_") && !strings.HasPrefix(name, "listener.admin.")
	})
}

// warmingClusters is the number of clusters that are not yet used.
func (a *admin) warmingClusters(ctx context.Context) (int, error) {
	return a.gauges(ctx, `^cluster_manager\.warming_clusters$`, func(string) bool { return true })
}

// gauges is the sum of the gauges whose names match and that wanted accepts.
func (a *admin) gauges(ctx context.Context, match string, wanted func(name string) bool) (int, error) {
	body, err := a.call(ctx, http.MethodGet, "/stats?format=json&type=Gauges&filter="+url.QueryEscape(match))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Stats []struct {
			Name  string `json:"name"`
			Value int    `json:"value"`
		} `json:"stats"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, fmt.Errorf("read Envoy's stats: %w", err)
	}
	total := 0
	for _, s := range answer.Stats {
		if wanted(s.Name) {
			total += s.Value
		}
	}
	return total, nil
}
