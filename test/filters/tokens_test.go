package filters

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// tokenFilter is Envoy's filter for tokens (JWT), which has them out of a call's metadata:
// what Istio makes of a RequestAuthentication with fromHeaders x-rpc-token, and a policy
// that wants a token. It has the public key's coordinates.
const tokenFilter = `
  - name: envoy.filters.http.jwt_authn
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
      providers:
        shop:
          issuer: shop
          from_headers: [{name: x-rpc-token}]
          local_jwks: {inline_string: '{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","x":"%s","y":"%s"}]}'}
      rules: [{match: {prefix: /}, requires: {provider_name: shop}}]
`

// TestTokens lets calls pass whose metadata has a token of the right issuer. The server
// does not get it.
func TestTokens(t *testing.T) {
	key, other := newKey(t), newKey(t)
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, y := point[1:33], point[33:] // after the byte for "uncompressed"
	each(t, fmt.Sprintf(tokenFilter, base64.RawURLEncoding.EncodeToString(x), base64.RawURLEncoding.EncodeToString(y)), "", func(t *testing.T, m *mesh) {
		get := func(args ...string) (string, bool) {
			return m.call("get", append(args, customersOf[m.codec].options...)...)
		}
		refused := map[string][]string{
			"Jwt is missing":               {},
			"Jwt verification fails":       {"--set", "token=" + token(t, other, "shop")},
			"Jwt issuer is not configured": {"--set", "token=" + token(t, key, "mall")},
		}
		for why, args := range refused {
			if out, failed := get(args...); !failed || !strings.Contains(out, why) {
				t.Errorf("want %q: %s", why, out)
			}
		}
		good := token(t, key, "shop")
		out, failed := get("--set", "token="+good, "--set", "lane=blue")
		if failed || !strings.Contains(out, "blue") || strings.Contains(out, good) {
			t.Errorf("the server saw %s", out)
		}
	})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// token is a token of an issuer, signed with a key (RFC 7515, RFC 7518 section 3.4).
func token(t *testing.T, key *ecdsa.PrivateKey, issuer string) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iss":%q,"sub":"somebody"}`, issuer))
	digest := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}
