package thrift

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

var errChecksum = errors.New("a checksum covers the payload")

// onlyID reports whether nothing but the id changes.
func onlyID(mut *sdk.Mutation) bool {
	return mut.NewID && mut.Service == nil && mut.Method == nil && len(mut.Set)+len(mut.Remove)+len(mut.Optional) == 0
}

// hasSeq reports whether the sequence id is the id of the message. Clients of fbthrift
// leave it at 0 and pair by the id of the headers.
func (l *layout) hasSeq(b []byte) bool {
	return !l.transport.headers() || l.flaw == flawless && binary.BigEndian.Uint32(b[idAt:]) == l.seq
}

// appendWithID appends a message with another id, where ids have a fixed length.
func (l *layout) appendWithID(dst []byte, m *sdk.Message, id uint64) ([]byte, error) {
	seq := uint32(id & 0xffffffff)
	start := len(dst)
	if l.hasSeq(m.Bytes) {
		if err := l.checkSums(m, nil); err != nil {
			return dst, err
		}
		dst = append(dst, m.Bytes...)
		binary.BigEndian.PutUint32(dst[start+l.seqAt.from:], seq)
	} else {
		dst = append(dst, m.Bytes...)
	}
	if l.transport.headers() {
		binary.BigEndian.PutUint32(dst[start+idAt:], seq)
	}
	return dst, nil
}

// editID replaces the id.
func (e *editor) editID(id uint64) {
	seq := uint32(id & 0xffffffff)
	if e.transport.headers() {
		e.replace(span{idAt, idAt + 4}, wire.AppendUint32(nil, seq))
	}
	switch {
	case !e.hasSeq(e.m.Bytes):
	case e.protocol == compact:
		e.replace(e.seqAt, wire.AppendUvarint(nil, uint64(seq)))
	default:
		e.replace(e.seqAt, wire.AppendUint32(nil, seq))
	}
}

// checkSums refuses to change a payload that a checksum covers, since the receiver
// would refuse it then.
func (l *layout) checkSums(m *sdk.Message, remove [][]byte) error {
	if l.transport != ttheader {
		return nil
	}
	entries := m.Entries()
	for i := range entries {
		key := entries[i].Key
		if string(key) != keyChecksum && !bytes.HasPrefix(key, checksumPrefix) {
			continue
		}
		if !contains(remove, key) {
			return sdk.Unsupported("header "+string(key), errChecksum)
		}
	}
	return nil
}

func contains(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if bytes.Equal(k, key) {
			return true
		}
	}
	return false
}
