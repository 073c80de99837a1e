package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// TestHeaderEncoderIsUnderstood writes many blocks, of fields that repeat at the same and
// at other places, come again after they were evicted, and do not fit at all, with tables
// of changing sizes, and reads each with golang.org/x/net's decoder.
func TestHeaderEncoderIsUnderstood(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) // the same in each run
	var e headerEncoder
	e.init()
	decoder := hpack.NewDecoder(headerTableSize, nil)
	names := []string{":method", ":scheme", ":path", "te", "x-rpc-a", "x-rpc-ab", "x-rpc-b", "x-rpc-long", ""}
	indexed := 0
	for block := range 5000 {
		if r.IntN(100) == 0 {
			size := r.Uint32N(headerTableSize + 1)
			e.resize(size)
			decoder.SetAllowedMaxDynamicTableSize(size)
		}
		var list []Field
		for place := range 4 + r.IntN(8) {
			name, value := names[place%len(names)], "steady"
			switch r.IntN(6) {
			case 0:
				name = names[r.IntN(len(names))]
			case 1:
				value = fmt.Sprint("value-", r.IntN(30))
			case 2:
				value = strings.Repeat("v", r.IntN(2*maxIndexed))
			case 3:
				name, value = ":method", "POST"
			}
			list = append(list, Field{[]byte(name), []byte(value)})
		}
		encoded := e.appendBlock(nil, list)
		got, err := decoder.DecodeFull(encoded)
		if err != nil {
			t.Fatalf("block %d: %v", block, err)
		}
		if !slices.EqualFunc(got, list, func(g hpack.HeaderField, f Field) bool {
			return g.Name == string(f.Name) && g.Value == string(f.Value)
		}) {
			t.Fatalf("block %d: %q was read as %v", block, list, got)
		}
		if len(encoded) < 2*len(list) {
			indexed++
		}
	}
	if indexed == 0 {
		t.Error("no block is mostly indices: nothing was tested")
	}
}
