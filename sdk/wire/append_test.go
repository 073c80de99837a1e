package wire

import (
	"encoding/json"
	"math"
	"testing"
)

func TestAppendFloatWritesWhatJSONDoes(t *testing.T) {
	for _, f := range []float64{
		0, 1, -1, 0.25, 1000000, 4.0 / 3, 1e20, 1e21, -1.5e300, 1e-6, 1e-7, 2.5e-10, math.MaxFloat64, math.SmallestNonzeroFloat64,
	} {
		want, err := json.Marshal(f)
		if got := string(AppendFloat([]byte("x"), f, 64)); err != nil || got != "x"+string(want) {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
		want, err = json.Marshal(float32(f))
		if got := string(AppendFloat(nil, float64(float32(f)), 32)); err == nil && got != string(want) {
			t.Errorf("%v of 32 bits: %s, want %s", f, got, want)
		}
	}
	for f, want := range map[float64]string{math.Inf(1): "Infinity", math.Inf(-1): "-Infinity", math.Copysign(0, -1): "0"} {
		if got := string(AppendFloat(nil, f, 64)); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
	if got := string(AppendFloat(nil, math.NaN(), 64)); got != "NaN" {
		t.Errorf("NaN: %s", got)
	}
}

func TestAppendMillis(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "1970-01-01T00:00:00.000Z", 1764049848123: "2025-11-25T05:50:48.123Z", -1: "1969-12-31T23:59:59.999Z",
	} {
		if got := string(AppendMillis(nil, ms)); got != want {
			t.Errorf("%d: %s, want %s", ms, got, want)
		}
	}
	AppendMillis(nil, math.MaxInt64) // whatever year that is
	AppendMillis(nil, math.MinInt64)
}
