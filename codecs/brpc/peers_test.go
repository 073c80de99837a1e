package brpc

import (
	"errors"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// TestServerInJava reads odd requests as a server of brpc-java did: its answer tells which
// method it called, and its metadata. What it answered with an error may be refused.
func TestServerInJava(t *testing.T) {
	const echo, metadata = "dev.meltemi.peer.Peer/echo", "dev.meltemi.peer.Peer/metadata"
	type want struct {
		config  string
		id      uint64
		call    string // empty: refused
		entries string
		payload string // of the answer
	}
	const hello = "\x0a\x05hello"
	wants := map[string]want{
		"timeout_ms-field8":                  {"", 77, echo, "timeout_ms=500", hello},
		"user_fields-field9":                 {`{"dialect":"java"}`, 77, echo, "", hello},
		"upper-case-names":                   {`{"lower_case":true}`, 77, "dev.meltemi.peer.peer/echo", "", hello},
		"dot-moved":                          {"", 77, "", "", hello}, // it called echo of Peer
		"second-request-meta-with-ext_field": {"", 77, metadata, "lane=blue", "\x0a\x2fhello {lane=blue} log 0 trace null credentials "},
		"second-request-meta-renames-method": {"", 77, metadata, "", "\x0a\x26hello {} log 0 trace null credentials "},
		"ext_field-same-key-twice":           {"", 77, metadata, "lane=b", "\x0a\x2chello {lane=b} log 0 trace null credentials "},
		"two-correlation-ids":                {"", 77, echo, "", hello},
		"negative-correlation-id":            {"", 1<<64 - 5, echo, "", hello},
		"no-correlation-id":                  {"", 0, echo, "", hello},
		"correlation-id-padded-to-10-bytes":  {"", 77, echo, "", hello},
		"unknown-meta-fields-10-13":          {`{"dialect":"java"}`, 77, echo, "content_type=json", hello},
		"attachment_size-negative":           {"", 77, "", "", hello},
		"stream_settings":                    {"", 77, "", "", hello},

		"request_id-field7":       {`{"dialect":"java"}`, 77, "", "", ""},
		"ext_field-without-value": {`{"dialect":"java"}`, 77, "", "", ""},
		"attachment_size-too-big": {"", 77, "", "", ""},
		"no-method":               {"", 77, "", "", ""},
		"payload-not-protobuf":    {"", 77, echo, "", ""},
		"compress-unknown-9":      {"", 77, echo, "compress_type=9", ""},
		"compress-lz4":            {"", 77, echo, "compress_type=lz4", ""},
	}
	seen := 0
	for _, f := range table(t, "java-server.tsv") {
		want, ok := wants[f[0]]
		if !ok {
			continue
		}
		seen++
		t.Run(f[0], func(t *testing.T) {
			answer := read(t, codec(t, ""), captured{from: sdk.FromServer, bytes: unhex(t, f[2])})
			if l, err := layoutOf(answer); err != nil || string(answer.Bytes[l.meta.to:]) != want.payload || (answer.Status.Native == 0) != (want.payload != "") {
				t.Fatalf("the server answered %d %q", answer.Status.Native, answer.Bytes)
			}
			if want.payload != "" && answer.ID != want.id {
				t.Errorf("the server answered %d", answer.ID)
			}
			c, m := codec(t, want.config), &sdk.Message{}
			b := unhex(t, f[1])
			if n, err := c.Decode(sdk.FromClient, b, m); err != nil || n != len(b) || m.ID != want.id {
				t.Fatalf("%d of %d, id %d, %v", n, len(b), m.ID, err)
			}
			m.Bytes = b
			err := c.Metadata(m)
			if call := string(m.Service) + "/" + string(m.Method); want.call == "" && err == nil || want.call != "" && (err != nil || call != want.call || entries(m) != want.entries) {
				t.Errorf("read as %s with %q, %v", call, entries(m), err)
			}
		})
	}
	if seen != len(wants) {
		t.Errorf("%d of %d are in the file", seen, len(wants))
	}
}

// TestWhatServersClose ends connections that a server of brpc-java ends too, or reads
// nothing more from.
func TestWhatServersClose(t *testing.T) {
	seen := 0
	for _, f := range table(t, "java-server.tsv") {
		switch f[0] {
		case "wrong-magic", "meta-longer-than-body", "negative-body", "meta-no-protobuf", "http":
			var lost *sdk.ConnectionError
			if n, err := codec(t, "").Decode(sdk.FromClient, unhex(t, f[1]), &sdk.Message{}); !errors.As(err, &lost) {
				t.Errorf("%s: %d, %v", f[0], n, err)
			}
			seen++
		}
	}
	if seen != 5 {
		t.Errorf("%d of 5 are in the file", seen)
	}
}

// TestCaptured reads what a client and a server of brpc-java said to each other.
func TestCaptured(t *testing.T) {
	c := codec(t, `{"shared_credentials":true}`)
	for name, want := range map[string]struct{ call, entries string }{
		"captured-echo-request":              {"dev.meltemi.peer.Peer/echo", "log_id=0"},
		"captured-kv-logid-trace-request":    {"dev.meltemi.peer.Peer/metadata", "log_id=1015 trace_id=1099511627791 span_id=1099511627791 unicode=grüße 😀 lane=lane-15 tenant=blue"},
		"captured-credentials-request":       {"dev.meltemi.peer.Peer/metadata", "log_id=0 case=credentials"},
		"captured-snappy-request":            {"dev.meltemi.peer.Peer/echo", "log_id=0 compress_type=snappy"},
		"captured-zlib-attachment-request":   {"dev.meltemi.peer.Peer/bytes", "log_id=0 compress_type=zlib attachment_size=1012"},
		"captured-two-spellings-request":     {"dev.meltemi.peer.Peer/echo", "log_id=0 Lane=a case=two-spellings lane=b"},
		"captured-zlib-attachment-response":  {"/", "compress_type=zlib attachment_size=1012"},
		"captured-missing-method-response":   {"/", ""},
		"captured-empty-messages-response":   {"/", ""},
		"captured-timeout-late-response":     {"/", ""},
		"captured-single-connection-request": {"dev.meltemi.peer.Peer/echo", "log_id=0"},
		"captured-credentials-response":      {"/", ""},
		"captured-kv-logid-trace-response":   {"/", ""},
		"captured-attachment-request":        {"dev.meltemi.peer.Peer/bytes", "log_id=0 attachment_size=1022"},
		"captured-person-empty-request":      {"dev.meltemi.peer.Peer/person", "log_id=0"},
		"captured-missing-service-request":   {"dev.meltemi.peer.Missing/echo", "log_id=0 case=missing-service"},
		"captured-async-request":             {"dev.meltemi.peer.Peer/echo", "log_id=0"},
		"captured-gzip-request":              {"dev.meltemi.peer.Peer/generated", "log_id=0 compress_type=gzip"},
		"captured-empty-messages-request":    {"dev.meltemi.peer.Peer/nothing", "log_id=0"},
		"captured-timeout-try1-request":      {"dev.meltemi.peer.Peer/sleep", "log_id=0"},
		"captured-failing-request":           {"dev.meltemi.peer.Peer/failing", "log_id=0"},
		"captured-kv-request":                {"dev.meltemi.peer.Peer/metadata", "log_id=0 case=metadata"},
	} {
		m := read(t, c, frame(t, name))
		if call := string(m.Service) + "/" + string(m.Method); call != want.call || entries(m) != want.entries {
			t.Errorf("%s: %s with %q", name, call, entries(m))
		}
	}
	m := read(t, c, frame(t, "captured-failing-response"))
	if m.Status.Native != codeEINTERNAL || m.Status.Code != sdk.Unknown || string(m.Status.Message) != "call 9" {
		t.Errorf("%v %d %q", m.Status.Code, m.Status.Native, m.Status.Message)
	}
}
