package abi

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/moduleinfo"
)

// TestTheLibraryTellsWhatItCarries reads the section that `make build` adds.
func TestTheLibraryTellsWhatItCarries(t *testing.T) {
	info, err := moduleinfo.Read(filepath.Join("..", "..", "bin", "libmeltemi.so"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(info.Names(), []string{"brpc", "dubbo", "thrift"}) {
		t.Errorf("%v", info.Names())
	}
	if !slices.Equal(info.FilterNames(), []string{"arguments", "breaker", "cache", "record", "stats"}) {
		t.Errorf("%v", info.FilterNames())
	}
}
