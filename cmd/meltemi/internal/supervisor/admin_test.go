package supervisor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// adminOf is the admin interface of a server with one answer. The answers in these
// tests are those of Envoy 1.39.3.
func adminOf(t *testing.T, status int, answer string) *admin {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	a := newAdmin(strings.TrimPrefix(server.URL, "http://"))
	t.Cleanup(a.close)
	return a
}

func TestListeners(t *testing.T) {
	a := adminOf(t, 200, `{"listener_statuses":[
		{"name":"web","local_address":{"socket_address":{"address":"127.0.0.1","port_value":38899}}},
		{"name":"six","local_address":{"socket_address":{"address":"::1","port_value":80}}},
		{"name":"pipe","local_address":{"pipe":{"path":"/run/x.sock"}}}]}`)
	got, err := a.listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"web": "127.0.0.1:38899", "six": "[::1]:80", "pipe": "unix:/run/x.sock"} {
		if got[name] != want {
			t.Errorf("%s is at %q, want %q", name, got[name], want)
		}
	}
}

func TestConnectionsCountEachOnce(t *testing.T) {
	a := adminOf(t, 200, `{"stats":[
		{"name":"listener.127.0.0.1_38899.downstream_cx_active","value":3},
		{"name":"listener.127.0.0.1_38899.worker_0.downstream_cx_active","value":1},
		{"name":"listener.127.0.0.1_38899.worker_1.downstream_cx_active","value":2},
		{"name":"listener.admin.downstream_cx_active","value":1},
		{"name":"listener.admin.main_thread.downstream_cx_active","value":1}]}`)
	if got, err := a.connections(t.Context()); got != 3 || err != nil {
		t.Errorf("%d connections, %v; want 3", got, err)
	}
}

func TestAdminErrors(t *testing.T) {
	if _, err := adminOf(t, 404, "").listeners(t.Context()); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("not found: %v", err)
	}
	if _, err := adminOf(t, 200, "<html>").listeners(t.Context()); err == nil {
		t.Error("no JSON: no error")
	}
	if _, err := newAdmin("127.0.0.1:0").connections(t.Context()); err == nil {
		t.Error("nobody there: no error")
	}
}
