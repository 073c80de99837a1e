package suite

import (
	"fmt"
	"slices"
	"testing"
)

// TestPairwise has a table of all combinations but those with a certain pair.
func TestPairwise(t *testing.T) {
	columns := [][]string{{"a", "b", "c"}, {"1", "2", "3"}, {"x", "y"}, {"old", "new"}}
	rows := [][]string{{}}
	for _, values := range columns {
		var longer [][]string
		for _, row := range rows {
			for _, v := range values {
				longer = append(longer, append(slices.Clone(row), v))
			}
		}
		rows = longer
	}
	rows = slices.DeleteFunc(rows, func(row []string) bool { return row[0] == "a" && row[2] == "y" })

	chosen := Pairwise(rows)
	// Nine pairs of the first two columns need a row each.
	if n := len(chosen); n < 9 || n > 11 {
		t.Errorf("%d of %d rows are chosen", n, len(rows))
	}
	pairs := func(rows [][]string) map[string]bool {
		all := map[string]bool{}
		for _, row := range rows {
			for left := range row {
				for right := range left {
					all[fmt.Sprint(left, right, row[left], row[right])] = true
				}
			}
		}
		return all
	}
	want, got := pairs(rows), pairs(chosen)
	for pair := range want {
		if !got[pair] {
			t.Errorf("no row has the pair %s", pair)
		}
	}
	if len(got) > len(want) {
		t.Errorf("%d pairs are chosen of %d", len(got), len(want))
	}
	if len(Pairwise(nil)) > 0 {
		t.Error("rows of an empty table")
	}
}
