package thrift

import "errors"

// wireType is the type of a value as the binary protocol numbers it. Types of the
// compact protocol are turned into these; its true is a bool as well.
//
// Source: Apache Thrift, doc/specs/thrift-binary-protocol.md.
type wireType byte

const (
	tStop   wireType = 0
	tBool   wireType = 2
	tI8     wireType = 3
	tDouble wireType = 4
	tI16    wireType = 6
	tI32    wireType = 8
	tI64    wireType = 10
	tString wireType = 11
	tStruct wireType = 12
	tMap    wireType = 13
	tSet    wireType = 14
	tList   wireType = 15
	tUUID   wireType = 16
	tFloat  wireType = 19 // fbthrift's, in the binary protocol alone
)

// compactTypes are the types of the compact protocol by their number there. The
// first two are true and false.
// Source: Apache Thrift, doc/specs/thrift-compact-protocol.md.
var compactTypes = [16]wireType{
	1: tBool, 2: tBool, 3: tI8, 4: tI16, 5: tI32, 6: tI64, 7: tDouble, 8: tString,
	9: tList, 10: tSet, 11: tMap, 12: tStruct, 13: tUUID,
}

// binarySizes are the sizes of types that always have the same in the binary
// protocol, and compactSizes in the compact one, for elements of containers.
var (
	binarySizes  = [20]uint8{tBool: 1, tI8: 1, tDouble: 8, tI16: 2, tI32: 4, tI64: 8, tUUID: 16, tFloat: 4}
	compactSizes = [20]uint8{tBool: 1, tI8: 1, tDouble: 8, tUUID: 16}
)

// typeNames are the names of types in the IDL.
var wireTypeNames = [20]string{
	tBool: "bool", tI8: "i8", tDouble: "double", tI16: "i16", tI32: "i32", tI64: "i64", tString: "string",
	tStruct: "struct", tMap: "map", tSet: "set", tList: "list", tUUID: "uuid", tFloat: "float",
}

// known reports whether t is the type of a value in protocol p.
func (t wireType) known(p protocol) bool {
	return int(t) < len(wireTypeNames) && wireTypeNames[t] != "" && (t != tFloat || p != compact)
}

// size is the size of all values of the type, or 0 if they differ.
func (t wireType) size(p protocol) int {
	if p == compact {
		return int(compactSizes[t])
	}
	return int(binarySizes[t])
}

var (
	errType     = errors.New("type is not known")
	errDepth    = errors.New("values are nested too deep")
	errNegative = errors.New("negative length")
	errLong     = errors.New("too long")
)
