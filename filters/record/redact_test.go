package record

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/filter/filtertest"
)

const secret = "Bearer 0123456789"

// TestRedaction has a secret in both messages of each protocol, and nothing of it in the
// file. All else of the messages stays.
func TestRedaction(t *testing.T) {
	for _, d := range protocols {
		t.Run(d.Name, func(t *testing.T) {
			codec, err := d.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			r := start(t, `"redact": ["authorization", "absent"]`)
			request, response := pair(t, d, "tenant", "blue", "Authorization", secret)
			c := r.Begin(filtertest.Request{
				Codec: d.Name, Payload: request,
				Metadata: map[string]string{"tenant": "blue", "Authorization": secret, "copy": "of " + secret},
			})
			c.Respond(filtertest.Response{Payload: response, Code: sdk.Internal, Message: "no user with " + secret})
			c.End()
			got := r.stop()[0]
			file, err := os.ReadFile(r.files()[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range [][]byte{file, got.Request.Frame, got.Response.Frame} {
				if bytes.Contains(b, []byte("0123456789")) {
					t.Errorf("the secret is in %q", b)
				}
			}
			if m := read(t, codec, sdk.FromClient, got.Request.Frame); m.ID != 7 {
				t.Errorf("the request's id is %d", m.ID)
			} else if tenant, _ := m.Get("tenant"); string(tenant) != "blue" {
				t.Errorf("the request's tenant is %q", tenant)
			}
			if got.Response.Omitted == "" {
				read(t, codec, sdk.FromServer, got.Response.Frame)
			}
			if len(got.Redacted) != 1 || got.Redacted[0] != "Authorization" || got.Request.Bytes != len(request) {
				t.Errorf("redacted: %q, %d bytes", got.Redacted, got.Request.Bytes)
			}
			if got.Metadata["copy"] != "of [redacted]" || got.Status.Message != "no user with [redacted]" || len(got.Metadata) != 2 {
				t.Errorf("texts: %q, %q", got.Metadata, got.Status.Message)
			}
		})
	}
}

// TestNothingToRedact has messages without the entry, of each protocol: they stay as they
// are, though they hold the word.
func TestNothingToRedact(t *testing.T) {
	for _, d := range protocols {
		t.Run(d.Name, func(t *testing.T) {
			r := start(t, `"redact": ["Orders", "get", "fine", "token"]`)
			request, response := pair(t, d)
			c := r.Begin(filtertest.Request{Codec: d.Name, Payload: request})
			c.Respond(filtertest.Response{Payload: response})
			c.End()
			got := r.stop()[0]
			if !bytes.Equal(got.Request.Frame, request) || !bytes.Equal(got.Response.Frame, response) || len(got.Redacted) > 0 {
				t.Errorf("%+v, %+v", got.Request, got.Response)
			}
		})
	}
}

// TestEchoedSecret has a server that tells the secret in its answer: that message is left
// out.
func TestEchoedSecret(t *testing.T) {
	r := start(t, `"redact": ["token"]`)
	c := r.Begin(filtertest.Request{Metadata: map[string]string{"token": secret}})
	c.Respond(filtertest.Response{Result: "you said " + secret})
	c.End()
	// This package's protocol cannot take entries out: the request is left out too.
	got := r.stop()[0]
	if got.Request.Omitted != format.OmittedRedaction || got.Response.Omitted != format.OmittedRedaction || len(got.Redacted) != 1 {
		t.Errorf("%+v, %+v, %q", got.Request, got.Response, got.Redacted)
	}
	if n := r.Metric("omitted_messages_total", "redaction"); n != 2 {
		t.Errorf("%d messages are left out, want 2", n)
	}
}

// TestStrip takes names out of messages whose codec does not list them.
func TestStrip(t *testing.T) {
	payload := []byte("a token of love")
	unsupported := errors.New("unsupported")
	codec := func(remove func(key string) ([]byte, error)) rewriter {
		return func(change func(*sdk.Message, *sdk.Mutation)) ([]byte, error) {
			mut := &sdk.Mutation{}
			change(&sdk.Message{Bytes: payload}, mut)
			if len(mut.Remove) == 0 {
				return payload, nil
			}
			return remove(string(mut.Remove[0]))
		}
	}
	for name, test := range map[string]struct {
		remove func(key string) ([]byte, error)
		ok     bool
	}{
		"a word of the message": {func(string) ([]byte, error) { return payload, nil }, true},
		"no place for entries":  {func(string) ([]byte, error) { return nil, unsupported }, true},
		"an entry of another form": {func(key string) ([]byte, error) {
			if key == "token" {
				return nil, unsupported
			}
			return payload, nil
		}, false},
		"an entry that is not listed": {func(string) ([]byte, error) { return []byte("a  of love"), nil }, false},
	} {
		r := redaction{names: newNames([]string{"token", "other"})}
		frame, ok := r.strip(payload, codec(test.remove))
		if ok != test.ok || ok && !bytes.Equal(frame, payload) {
			t.Errorf("%s: %q, %v", name, frame, ok)
		}
	}
	r := redaction{names: newNames([]string{"token"})}
	if _, ok := r.strip(payload, func(func(*sdk.Message, *sdk.Mutation)) ([]byte, error) { return nil, unsupported }); ok {
		t.Error("a message that cannot be read was taken")
	}
}
