package dubbo

import "github.com/meltemi-mesh/meltemi/sdk"

// Statuses of a response. Source: Apache Dubbo, exchange.Response.
const (
	statusOK                 = 20
	statusSerializationError = 25
	statusClientTimeout      = 30
	statusServerTimeout      = 31
	statusChannelInactive    = 35
	statusBadRequest         = 40
	statusBadResponse        = 50
	statusServiceNotFound    = 60
	statusServiceError       = 70
	statusServerError        = 80
	statusClientError        = 90
	statusThreadPool         = 100
)

// statuses are what each status counts as. Only an exhausted thread pool proves
// that the provider has not begun the call.
var statuses = []sdk.NativeStatus{
	{Native: statusOK, Name: "OK", Code: sdk.OK},
	{Native: statusSerializationError, Name: "SERIALIZATION_ERROR", Code: sdk.Internal},
	{Native: statusClientTimeout, Name: "CLIENT_TIMEOUT", Code: sdk.DeadlineExceeded},
	{Native: statusServerTimeout, Name: "SERVER_TIMEOUT", Code: sdk.DeadlineExceeded},
	{Native: statusChannelInactive, Name: "CHANNEL_INACTIVE", Code: sdk.Unknown},
	{Native: statusBadRequest, Name: "BAD_REQUEST", Code: sdk.InvalidArgument},
	{Native: statusBadResponse, Name: "BAD_RESPONSE", Code: sdk.Internal},
	{Native: statusServiceNotFound, Name: "SERVICE_NOT_FOUND", Code: sdk.Unimplemented},
	{Native: statusServiceError, Name: "SERVICE_ERROR", Code: sdk.Unknown},
	{Native: statusServerError, Name: "SERVER_ERROR", Code: sdk.Internal},
	{Native: statusClientError, Name: "CLIENT_ERROR", Code: sdk.Unknown},
	{Native: statusThreadPool, Name: "SERVER_THREADPOOL_EXHAUSTED_ERROR", Code: sdk.Unavailable},
}

// Statuses implements sdk.StatusTable.
func (*Codec) Statuses() []sdk.NativeStatus { return statuses }

func codeOf(status byte) sdk.Code {
	for i := range statuses {
		if statuses[i].Native == int(status) {
			return statuses[i].Code
		}
	}
	return sdk.Unknown
}

// causeStatus is the status that tells a client of a failure. Refusals are told as
// exceptions, wherever that can be (reply.go).
var causeStatus = map[sdk.Cause]byte{
	sdk.CauseDenied:         statusServiceError,
	sdk.CauseRateLimited:    statusServiceError,
	sdk.CauseNoRoute:        statusServiceNotFound,
	sdk.CauseNoUpstream:     statusServerError,
	sdk.CauseConnectFailure: statusServerError,
	sdk.CauseConnectionLost: statusServerError,
	sdk.CauseTimeout:        statusServerTimeout,
	sdk.CauseOverloaded:     statusThreadPool,
	sdk.CauseAborted:        statusServerError,
	sdk.CauseTooLarge:       statusBadRequest,
	sdk.CauseMalformed:      statusBadRequest,
	sdk.CauseUnreadable:     statusBadRequest,
	sdk.CauseUnsupported:    statusBadRequest,
	sdk.CauseBadResponse:    statusBadResponse,
	sdk.CauseDraining:       statusServerError,
	sdk.CauseInternal:       statusServerError,
	sdk.CauseUnknown:        statusServerError,
}
