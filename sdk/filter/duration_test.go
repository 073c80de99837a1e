package filter_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		`"5s"`: 5 * time.Second, `"1m30s"`: 90 * time.Second, `"0s"`: 0, `"0"`: 0, `"1.5h"`: 90 * time.Minute,
	} {
		got := filter.Duration(1)
		if err := json.Unmarshal([]byte(text), &got); err != nil || time.Duration(got) != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
		if got.String() != want.String() {
			t.Errorf("%s: written as %s, want %s", text, got, want)
		}
	}
}

func TestDurationsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		`5`:      `5 is not a duration such as "5s"`,
		`["5s"]`: `["5s"] is not a duration such as "5s"`,
		`"soon"`: `"soon" is not a duration such as "5s"`,
		`"5"`:    `"5" is not a duration such as "5s"`,
		`""`:     `"" is not a duration such as "5s"`,
		`"-1s"`:  `"-1s" is negative`,
	} {
		got := filter.Duration(time.Minute)
		if err := json.Unmarshal([]byte(text), &got); err == nil || err.Error() != want || time.Duration(got) != time.Minute {
			t.Errorf("%s: %v, %v, want %s", text, got, err, want)
		}
	}
}
