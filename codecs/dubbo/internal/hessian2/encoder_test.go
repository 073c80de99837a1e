package hessian2

import (
	"encoding/json"
	"testing"
)

// TestNumbersFitTheirTypes: a server would read another number than the one that was
// typed.
func TestNumbersFitTheirTypes(t *testing.T) {
	for _, test := range []struct {
		typ, number string
		fits        bool
	}{
		{"byte", "127", true},
		{"byte", "128", false},
		{"java.lang.Byte", "-129", false},
		{"short", "-32768", true},
		{"java.lang.Short", "32768", false},
		{"int", "2147483647", true},
		{"java.lang.Integer", "2147483648", false},
		{"long", "9223372036854775807", true},
		{"long", "9223372036854775808", false},
		{"int", "1.5", false},
		{"double", "1e999", false},
	} {
		_, err := AppendValue(nil, test.typ, json.Number(test.number))
		if (err == nil) != test.fits {
			t.Errorf("%s:%s: %v", test.typ, test.number, err)
		}
	}
}
