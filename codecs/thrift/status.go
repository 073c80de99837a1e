package thrift

import "github.com/meltemi-mesh/meltemi/sdk"

// Types of a TApplicationException. Sources: Apache Thrift, TApplicationException (0
// to 10 in all languages, 11 in Go), where fbthrift has LOADSHEDDING for 11; fbthrift,
// TApplicationException (12 to 15); Kitex, pkg/remote (20 and 21).
const (
	exUnknown               = 0
	exUnknownMethod         = 1
	exInvalidMessageType    = 2
	exWrongMethodName       = 3
	exBadSequenceID         = 4
	exMissingResult         = 5
	exInternalError         = 6
	exProtocolError         = 7
	exInvalidTransform      = 8
	exInvalidProtocol       = 9
	exUnsupportedClientType = 10
	exValidationFailed      = 11
	exTimeout               = 12
	exInjectedFailure       = 13
	exChecksumMismatch      = 14
	exInterruption          = 15
	exUnknownService        = 20
	exNoServiceName         = 21
)

// statuses are what each type counts as, in the order of the types. None proves that
// the server has not begun the call: 11 would in fbthrift, but not in Apache Thrift.
var statuses = []sdk.NativeStatus{
	{Native: exUnknown, Name: "UNKNOWN", Code: sdk.Unknown},
	{Native: exUnknownMethod, Name: "UNKNOWN_METHOD", Code: sdk.Unimplemented},
	{Native: exInvalidMessageType, Name: "INVALID_MESSAGE_TYPE", Code: sdk.InvalidArgument},
	{Native: exWrongMethodName, Name: "WRONG_METHOD_NAME", Code: sdk.Internal},
	{Native: exBadSequenceID, Name: "BAD_SEQUENCE_ID", Code: sdk.Internal},
	{Native: exMissingResult, Name: "MISSING_RESULT", Code: sdk.Internal},
	{Native: exInternalError, Name: "INTERNAL_ERROR", Code: sdk.Unknown},
	{Native: exProtocolError, Name: "PROTOCOL_ERROR", Code: sdk.InvalidArgument},
	{Native: exInvalidTransform, Name: "INVALID_TRANSFORM", Code: sdk.InvalidArgument},
	{Native: exInvalidProtocol, Name: "INVALID_PROTOCOL", Code: sdk.InvalidArgument},
	{Native: exUnsupportedClientType, Name: "UNSUPPORTED_CLIENT_TYPE", Code: sdk.InvalidArgument},
	{Native: exValidationFailed, Name: "VALIDATION_FAILED", Code: sdk.InvalidArgument},
	{Native: exTimeout, Name: "TIMEOUT", Code: sdk.DeadlineExceeded},
	{Native: exInjectedFailure, Name: "INJECTED_FAILURE", Code: sdk.Aborted},
	{Native: exChecksumMismatch, Name: "CHECKSUM_MISMATCH", Code: sdk.DataLoss},
	{Native: exInterruption, Name: "INTERRUPTION", Code: sdk.Unknown},
	{Native: exUnknownService, Name: "UNKNOWN_SERVICE", Code: sdk.Unimplemented},
	{Native: exNoServiceName, Name: "NO_SERVICE_NAME", Code: sdk.InvalidArgument},
}

// Statuses implements sdk.StatusTable.
func (c *Codec) Statuses() []sdk.NativeStatus {
	table := append([]sdk.NativeStatus(nil), statuses...)
	for i := range table {
		table[i].Code = c.codeOf(int32(table[i].Native)) //nolint:gosec // a small number
	}
	return table
}

// codeOf is what an exception of that type counts as. A type that is not known is
// taken for one that the server made of an exception of its own.
func (c *Codec) codeOf(kind int32) sdk.Code {
	if kind != exUnknown && kind != exInternalError {
		for i := range statuses {
			if statuses[i].Native == int(kind) {
				return statuses[i].Code
			}
		}
	}
	return c.other
}

// typeName is the name of a type, UNKNOWN where it has none.
func typeName(kind int32) string {
	for i := range statuses {
		if statuses[i].Native == int(kind) {
			return statuses[i].Name
		}
	}
	return "UNKNOWN"
}

// causeType is the type that tells a client of a failure. Clients do not repeat calls
// by the type, and old ones know no more than 0 to 10.
var causeType = map[sdk.Cause]int32{
	sdk.CauseUnknown:        exUnknown,
	sdk.CauseNoRoute:        exUnknownMethod,
	sdk.CauseNoUpstream:     exInternalError,
	sdk.CauseConnectFailure: exInternalError,
	sdk.CauseConnectionLost: exInternalError,
	sdk.CauseTimeout:        exInternalError,
	sdk.CauseRateLimited:    exInternalError,
	sdk.CauseDenied:         exInternalError,
	sdk.CauseOverloaded:     exInternalError,
	sdk.CauseAborted:        exInternalError,
	sdk.CauseTooLarge:       exProtocolError,
	sdk.CauseMalformed:      exProtocolError,
	sdk.CauseUnreadable:     exProtocolError,
	sdk.CauseUnsupported:    exProtocolError,
	sdk.CauseBadResponse:    exMissingResult,
	sdk.CauseDraining:       exInternalError,
	sdk.CauseInternal:       exInternalError,
}

// typeOf is the type for a failure of a call in that form.
func typeOf(cause sdk.Cause, f form) int32 {
	switch cause {
	case sdk.CauseNoRoute:
		if f.transport == ttheader {
			return exUnknownService
		}
	case sdk.CauseMalformed:
		if f.flaw == noType {
			return exInvalidMessageType
		}
	case sdk.CauseUnreadable:
		switch f.flaw {
		case transformed:
			return exInvalidTransform
		case otherProtocol:
			return exInvalidProtocol
		case flawless, noType:
		}
	default:
	}
	kind, ok := causeType[cause]
	if !ok {
		return exUnknown
	}
	return kind
}
