package record

import (
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/filters/record/format"
)

// TestFullDisk writes to the device that is always full, and then to a file again.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := files{directory: t.TempDir(), name: "calls", maxBytes: 1 << 20, keep: 1, file: full, size: 10}
	now := time.Date(2030, time.January, 1, 0, 0, 0, 0, time.UTC)
	if err := f.write(&format.Call{}, now); !errors.Is(err, syscall.ENOSPC) || f.file != nil {
		t.Errorf("a full disk: %v", err)
	}
	if _, err := full.Write(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file stays open: %v", err)
	}
	if err := f.write(&format.Call{}, now); err != nil || f.file == nil {
		t.Errorf("another file: %v", err)
	}
	f.close()
}
