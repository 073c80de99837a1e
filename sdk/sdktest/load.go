package sdktest

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Load reads frames from the files of a folder: *.hex with hexadecimal digits, in which
// spaces, line ends and what follows a '#' do not count, and *.bin with the bytes
// themselves. A file is one message. Its name begins with its kind (request, oneway,
// response, heartbeat, heartbeat-reply, go-away), which the codec has to see, too; and
// "server-" before it says that the server sent it, "client-" that the client did, where
// the kind does not: request-get.hex, oneway.hex, server-heartbeat.hex.
func Load(folder string) ([]Frame, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var frames []Frame
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); e.IsDir() || ext != ".hex" && ext != ".bin" {
			continue
		}
		f, err := LoadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	if len(frames) == 0 {
		return nil, fmt.Errorf("%s: no frames: it has no file *.hex or *.bin", folder)
	}
	return frames, nil
}

// LoadFile reads one frame as [Load] does.
func LoadFile(path string) (Frame, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller's own file
	if err != nil {
		return Frame{}, err
	}
	ext := filepath.Ext(path)
	f := Frame{Name: strings.TrimSuffix(filepath.Base(path), ext), Bytes: text}
	if ext != ".bin" {
		if f.Bytes, err = parseHex(string(text)); err != nil {
			return Frame{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	if len(f.Bytes) == 0 {
		return Frame{}, fmt.Errorf("%s: no bytes", path)
	}
	if err := f.fromName(); err != nil {
		return Frame{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// kinds are those that a name can tell, the longer one of two that begin alike first.
var kinds = []sdk.Kind{
	sdk.KindHeartbeatReply, sdk.KindHeartbeat, sdk.KindGoAway, sdk.KindRequest, sdk.KindOneWay, sdk.KindResponse,
}

// fromName sets kind and side.
func (f *Frame) fromName() error {
	name, server := strings.CutPrefix(f.Name, "server-")
	name, client := strings.CutPrefix(name, "client-")
	i := slices.IndexFunc(kinds, func(k sdk.Kind) bool { return name == k.String() || strings.HasPrefix(name, k.String()+"-") })
	if i < 0 {
		return fmt.Errorf("the name of a frame begins with its kind, such as request-%s", f.Name)
	}
	f.Kind = kinds[i]
	fromServer := f.Kind == sdk.KindResponse || f.Kind == sdk.KindGoAway || f.Kind == sdk.KindHeartbeatReply
	if server || fromServer && !client {
		f.From = sdk.FromServer
	}
	return nil
}

// parseHex reads digits with spaces and comments between them.
func parseHex(text string) ([]byte, error) {
	var digits strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for word := range strings.FieldsSeq(line) {
			digits.WriteString(word)
		}
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		return nil, fmt.Errorf("hexadecimal digits: %w", err)
	}
	return b, nil
}
