package program

import (
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
)

// printResult prints a result, marked so that it cannot be taken for a log line.
func printResult(result string) { fmt.Println("=", result) }

// Describe tells what a call gave: its result, or its error.
func Describe(client Client, result any, err error) string {
	if err != nil {
		class, number, text := client.Classify(err)
		return strings.TrimSpace(class+" "+number) + ": " + text
	}
	text := fmt.Sprint(result)
	switch result := result.(type) {
	case []byte:
		text = hex.EncodeToString(result)
	case map[string]int32:
		text = counts(result)
	}
	if len(text) <= 200 {
		return text
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return fmt.Sprintf("%d bytes, hash %x", len(text), h.Sum64())
}

// counts prints executions as the peers in Java do.
func counts(executions map[string]int32) string {
	all := make([]string, 0, len(executions))
	for _, method := range slices.Sorted(maps.Keys(executions)) {
		all = append(all, fmt.Sprintf("%s=%d", method, executions[method]))
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// FirstLine is the text of an error as far as it fits into a line.
func FirstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
