package contribtest

import (
	"os"
	"path/filepath"
	"testing"
)

// TestTheLibrary loads the library that `make contrib` makes.
func TestTheLibrary(t *testing.T) {
	library := filepath.Join("..", "..", "..", "bin", "libmeltemi-contrib.so")
	if _, err := os.Stat(library); err != nil {
		t.Fatalf("%v (make contrib makes it)", err)
	}
	h := startWith(t, library)
	h.must(h.ask("config stats %s", text(t, `{"codec":{"name":"dubbo"}}`)))
	for _, codec := range []string{"brpc", "dubbo", "thrift"} {
		h.must(h.ask("network-config %s", text(t, `{"codec":{"name":"`+codec+`"},"http2":"127.0.0.1:15080"}`)))
	}
	if want := "2 workers, GOMAXPROCS"; !h.err.holds(want) {
		t.Errorf("the log lacks %q:\n%s", want, h.err)
	}
}
