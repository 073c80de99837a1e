package filter_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/meltemi-mesh/meltemi/sdk/filter"
)

func TestMethods(t *testing.T) {
	for pattern, calls := range map[string]map[string]bool{
		"shop.Orders/get": {"shop.Orders get": true, "shop.Orders get2": false, "shop_Orders get": false, "Orders get": false},
		"shop.Orders/*":   {"shop.Orders get": true, "shop.Orders a/b": true, "shop.Orders2 get": false},
		"*/get":           {"shop.Orders get": true, "Orders get": true, "Orders a/get": false},
		"*":               {"shop.Orders get": true, "a b": true},
		"shop.*.V*/*et*":  {"shop.a.V1 get": true, "shop..V let it": true, "shop.V get": false, "shop.a.V1 git": false},
		"S/a*a":           {"S a": false, "S aa": true, "S aba": true},
		"S/a*b*b":         {"S ab": false, "S abb": true, "S a-b-b-b": true},
		"S/a/b":           {"S a/b": true, "S a": false},
	} {
		var m filter.Methods
		text, err := json.Marshal([]string{"other/one", pattern})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		for call, want := range calls {
			service, method, _ := strings.Cut(call, " ")
			if got := m.Match(service, method); got != want {
				t.Errorf("%s matches %s: %v, want %v", pattern, call, got, want)
			}
		}
	}
}

func TestMethodsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		`["*", "Orders"]`: `[1]: "Orders" is not SERVICE/METHOD`,
		`["/get"]`:        `[0]: "/get" is not SERVICE/METHOD`,
		`["Orders/"]`:     `[0]: "Orders/" is not SERVICE/METHOD`,
		`[""]`:            `[0]: "" is not SERVICE/METHOD`,
		`"*"`:             "cannot unmarshal string",
	} {
		var m filter.Methods
		if err := json.Unmarshal([]byte(text), &m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if (filter.Methods{}).Match("a", "b") || !(filter.Methods{}).Empty() {
		t.Error("the zero Methods selects something")
	}
}
