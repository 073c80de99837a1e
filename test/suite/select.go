package suite

import (
	"os"
	"slices"
)

// All reports whether every combination of a protocol's peers is tested, and not only a
// selection (make test-all).
func All() bool { return os.Getenv("MELTEMI_TEST_ALL") != "" }

// Select returns the rows of a table that are tested: all of them if All, else the few
// that Pairwise chooses.
func Select(rows [][]string) [][]string {
	if All() {
		return rows
	}
	return Pairwise(rows)
}

// pairOf is a pair of values in two columns.
type pairOf struct {
	left, right int
	a, b        string
}

// Pairwise chooses few rows of a table in which each pair of values in two columns
// still occurs that occurs in the table. Most defects that a combination brings to
// light need no more than two values of it.
//
// It takes the row with the most new pairs, the first of several, until there are
// none. That is not always the least number of rows, but always the same rows.
func Pairwise(rows [][]string) [][]string {
	missing := map[pairOf]bool{}
	for _, row := range rows {
		for _, p := range pairsIn(row) {
			missing[p] = true
		}
	}
	chosen := make([]bool, len(rows))
	for len(missing) > 0 {
		best, most := -1, 0
		for i, row := range rows {
			n := 0
			for _, p := range pairsIn(row) {
				if missing[p] {
					n++
				}
			}
			if n > most {
				best, most = i, n
			}
		}
		chosen[best] = true
		for _, p := range pairsIn(rows[best]) {
			delete(missing, p)
		}
	}
	i := -1
	return slices.DeleteFunc(slices.Clone(rows), func([]string) bool {
		i++
		return !chosen[i]
	})
}

func pairsIn(row []string) []pairOf {
	var all []pairOf
	for left := range row {
		for right := left + 1; right < len(row); right++ {
			all = append(all, pairOf{left, right, row[left], row[right]})
		}
	}
	return all
}
