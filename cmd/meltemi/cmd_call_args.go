package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/cmd/meltemi/internal/cli"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// parseArguments reads the --arg flags.
func parseArguments(list []string) ([]sdk.Argument, error) {
	var arguments []sdk.Argument
	for i, s := range list {
		a, err := parseArgument(s)
		if err != nil {
			return nil, cli.Usagef("--arg %d: %w", i+1, err)
		}
		arguments = append(arguments, a)
	}
	return arguments, nil
}

// parseArgument reads [TYPE:]JSON. What is JSON as a whole has no type.
func parseArgument(s string) (sdk.Argument, error) {
	value, err := parseJSON(s)
	if err == nil {
		return sdk.Argument{Value: value}, nil
	}
	name, text, typed := strings.Cut(s, ":")
	if !typed || name == "" || strings.ContainsAny(name, `"{}`) {
		return sdk.Argument{}, fmt.Errorf("%s is not JSON: %w (text is written '\"text\"')", s, err)
	}
	value, err = parseJSON(text)
	if err != nil {
		return sdk.Argument{}, fmt.Errorf("%s of type %s is not JSON: %w (text is written '%s:\"text\"')", text, name, err, name)
	}
	return sdk.Argument{Type: name, Value: value}, nil
}

// parseJSON reads one JSON value with its numbers as they are written.
func parseJSON(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("ends too early")
		}
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the value at byte %d", d.InputOffset())
	}
	return v, nil
}

// parseMetadata reads the --set flags.
func parseMetadata(list []string) ([]sdk.Entry, error) {
	seen := make(map[string]bool, len(list))
	var entries []sdk.Entry
	for _, s := range list {
		key, value, ok := strings.Cut(s, "=")
		switch {
		case !ok || key == "":
			return nil, cli.Usagef("--set: %q is not KEY=VALUE", s)
		case seen[key]:
			return nil, cli.Usagef("--set: %s is set twice", key)
		}
		seen[key] = true
		entries = append(entries, sdk.Entry{Key: []byte(key), Value: []byte(value)})
	}
	return entries, nil
}

// readPayload reads --payload. What is over the limit is refused before it is read to
// its end.
func readPayload(s string, stdin io.Reader, limit int64) ([]byte, error) {
	var from io.Reader
	switch name, file := strings.CutPrefix(s, "@"); {
	case !file:
		return []byte(s), nil
	case name == "-":
		from = stdin
	default:
		f, err := os.Open(name) //nolint:gosec // the user names it
		if err != nil {
			return nil, cli.Usagef("--payload: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		from = f
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(from, limit+1))
	if err != nil {
		return nil, cli.Usagef("--payload: %w", err)
	}
	if n > limit {
		return nil, cli.Usagef("--payload: more than %d bytes", limit)
	}
	if b.Bytes() == nil {
		return []byte{}, nil // an empty payload is one
	}
	return b.Bytes(), nil
}

// checkAddress checks a host:port.
func checkAddress(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return cli.Usagef("address %q is not HOST:PORT", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return cli.Usagef("address %q: %q is not a port", s, port)
	}
	return nil
}
