package moduleinfo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// A Wasm module is a magic number and sections, each with a byte that tells its kind and
// its size in LEB128. Kind 0 is a custom section, which begins with its name and may
// stand anywhere.
// Source: WebAssembly Core Specification 1.0, 5.5 "Modules".
const (
	wasmMagic     = "\x00asm\x01\x00\x00\x00"
	customSection = 0
	maxModule     = 1 << 32 // sizes have 32 bits
)

// sectionName is the name of the section as it stands in the module.
var sectionName = append(binary.AppendUvarint(nil, uint64(len(Section))), Section...)

var errWasm = errors.New("its sections are no Wasm module's")

// AddToWasm puts a description, an [Info] in JSON, behind the sections of a Wasm module.
func AddToWasm(path string, info []byte) error {
	text, err := os.ReadFile(path) //nolint:gosec // the caller names the file
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(text, []byte(wasmMagic)) {
		return fmt.Errorf("%s: %w", path, errWasm)
	}
	text = binary.AppendUvarint(append(text, customSection), uint64(len(sectionName)+len(info)))
	text = append(append(text, sectionName...), info...)
	return os.WriteFile(path, text, 0o644) //nolint:gosec // Envoy may run as somebody else
}

// wasmSection finds the description among the sections of a Wasm module. It reads the
// sizes of the others alone.
func wasmSection(f io.ReaderAt) ([]byte, error) {
	var head [1 + 2*binary.MaxVarintLen32 + len(Section)]byte // kind, size, size of the name, name
	for at := int64(len(wasmMagic)); ; {
		n, err := f.ReadAt(head[:], at)
		if n == 0 && errors.Is(err, io.EOF) {
			return nil, ErrNone
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		size, m := binary.Uvarint(head[1:n])
		if m <= 0 || size > maxModule {
			return nil, errWasm
		}
		start := at + int64(1+m)
		at = start + int64(size)
		if head[0] != customSection {
			continue
		}
		if !bytes.HasPrefix(head[1+m:n], sectionName) || size < uint64(len(sectionName)) {
			continue
		}
		if size > maxSection {
			return nil, fmt.Errorf("section %s: %d bytes are too many", Section, size)
		}
		text := make([]byte, int(size)-len(sectionName))
		if _, err := f.ReadAt(text, start+int64(len(sectionName))); err != nil {
			return nil, fmt.Errorf("section %s: %w", Section, err)
		}
		return text, nil
	}
}
