package suite

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"
)

// HTTP2 returns a client that speaks HTTP/2 without TLS, as another proxy would.
func HTTP2(t *testing.T) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// Post sends a request and returns the grpc-status of its answer.
func Post(t *testing.T, client *http.Client, url string, headers map[string]string, body []byte) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	status := resp.Header.Get("grpc-status")
	// The answer to a call whose server's connection is of no more use ends in a reset, and
	// a good one says so.
	if _, err := io.Copy(io.Discard, resp.Body); err != nil && status == "0" && resp.Header.Get("x-meltemi-reset") == "" {
		t.Fatal(err)
	}
	return status
}
