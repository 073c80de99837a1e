package compose

import (
	"debug/elf"
	"fmt"
	"strconv"
	"strings"
)

// glibcFloor returns the newest version of glibc that a library asks for, which is the
// oldest that it runs with; "" if it asks for none.
func glibcFloor(library string) (string, error) {
	f, err := elf.Open(library)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	symbols, err := f.ImportedSymbols()
	if err != nil {
		return "", fmt.Errorf("%s: %w", library, err)
	}
	floor := ""
	for _, s := range symbols {
		if version, ok := strings.CutPrefix(s.Version, "GLIBC_"); ok && newer(version, floor) {
			floor = version
		}
	}
	return floor, nil
}

// newer compares versions such as 2.34 and 2.2.5.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		if i >= len(bs) {
			return true
		}
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x > y
		}
	}
	return false
}
