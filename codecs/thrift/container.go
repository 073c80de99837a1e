package thrift

import (
	"encoding/binary"
	"math"
)

// container is the head of a list, set or map.
type container struct {
	level
	elements int // where they start
}

// readLength reads the length of a string at b[at:], and where its bytes start.
func readLength(b []byte, at int, p protocol) (n uint64, from, need int, err error) {
	if p != compact {
		if len(b) < at+4 {
			return 0, 0, at + 4, nil
		}
		n, from = uint64(binary.BigEndian.Uint32(b[at:])), at+4
	} else if n, from = varint(b, at, varint32); from <= 0 {
		if from < 0 {
			return 0, 0, 0, errVarint
		}
		return 0, 0, len(b) + 1, nil
	}
	if n > math.MaxInt32 {
		return 0, 0, 0, errNegative
	}
	return n, from, 0, nil
}

// readContainer reads the head of a container of type t at b[at:].
func readContainer(b []byte, at int, t wireType, p protocol) (c container, need int, err error) {
	var n uint64
	switch {
	case p == compact && t == tMap:
		n, need, err = c.compactMap(b, at)
	case p == compact:
		n, need, err = c.compactList(b, at)
	default:
		n, need = c.binary(b, at, t)
	}
	if need > 0 || err != nil {
		return c, need, err
	}
	if n > math.MaxInt32 {
		return c, 0, errNegative
	}
	c.fixed, c.left = true, uint32(n)
	if c.pairs = t == tMap; c.pairs {
		c.left *= 2
	}
	// Writers put anything as the type of no elements.
	if n > 0 && !(c.types[0].known(p) && (!c.pairs || c.types[1].known(p))) {
		return c, 0, errType
	}
	return c, 0, nil
}

func (c *container) binary(b []byte, at int, t wireType) (n uint64, need int) {
	head := 5
	if t == tMap {
		head = 6
	}
	if c.elements = at + head; len(b) < c.elements {
		return 0, c.elements
	}
	// An even number of elements is left before a key.
	c.types[0] = wireType(b[at])
	if t == tMap {
		c.types[1] = wireType(b[at+1])
	}
	return uint64(binary.BigEndian.Uint32(b[c.elements-4:])), 0
}

func (c *container) compactMap(b []byte, at int) (n uint64, need int, err error) {
	n, next := varint(b, at, varint32)
	switch {
	case next < 0:
		return 0, 0, errVarint
	case next == 0:
		return 0, len(b) + 1, nil
	case n == 0:
		c.elements = next
		return 0, 0, nil
	case len(b) <= next:
		return 0, next + 1, nil
	}
	c.types = [2]wireType{compactTypes[b[next]>>4], compactTypes[b[next]&0x0f]}
	c.elements = next + 1
	return n, 0, nil
}

func (c *container) compactList(b []byte, at int) (n uint64, need int, err error) {
	if len(b) <= at {
		return 0, at + 1, nil
	}
	c.types[0] = compactTypes[b[at]&0x0f]
	if n = uint64(b[at] >> 4); n < 15 {
		c.elements = at + 1
		return n, 0, nil
	}
	n, next := varint(b, at+1, varint32)
	switch {
	case next < 0:
		return 0, 0, errVarint
	case next == 0:
		return 0, len(b) + 1, nil
	}
	c.elements = next
	return n, 0, nil
}
