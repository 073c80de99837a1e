package engine

import (
	"errors"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// ownCause is how a refusal of ours looks in x-meltemi-cause, where Envoy's own
// have response code, flags and details. A reply of a filter is one of Envoy's, with
// details that begin like ours: "403 - meltemi_denied[name of the filter]".
const (
	ownDetails = "meltemi_"
	ownCause   = "- - " + ownDetails
)

// flagCauses tells the causes behind Envoy's response flags.
// Source: Envoy's documentation, "Access log format strings", RESPONSE_FLAGS.
var flagCauses = map[string]sdk.Cause{
	"NR": sdk.CauseNoRoute, "NC": sdk.CauseNoRoute,
	"UH": sdk.CauseNoUpstream,
	"UF": sdk.CauseConnectFailure,
	"UC": sdk.CauseConnectionLost, "UR": sdk.CauseConnectionLost, "LR": sdk.CauseConnectionLost, "UPE": sdk.CauseConnectionLost,
	"UT": sdk.CauseTimeout, "DT": sdk.CauseTimeout, "SI": sdk.CauseTimeout, "UMSDR": sdk.CauseTimeout,
	"RL": sdk.CauseRateLimited, "RLSE": sdk.CauseRateLimited,
	"UAEX": sdk.CauseDenied,
	"UO":   sdk.CauseOverloaded, "OM": sdk.CauseOverloaded,
	"FI": sdk.CauseAborted, "DI": sdk.CauseAborted,
}

// detailCauses tells the causes behind Envoy's details, where it sets no flag.
// Source: Envoy's filters adaptive_concurrency and admission_control, which answer with
// these and status 503.
var detailCauses = map[string]sdk.Cause{
	"reached_concurrency_limit":   sdk.CauseOverloaded,
	"denied_by_admission_control": sdk.CauseOverloaded,
}

// statusCauses tells the causes behind HTTP status codes.
var statusCauses = map[int]sdk.Cause{
	401: sdk.CauseDenied, 403: sdk.CauseDenied, 404: sdk.CauseNoRoute, 408: sdk.CauseTimeout,
	413: sdk.CauseTooLarge, 429: sdk.CauseRateLimited, 504: sdk.CauseTimeout,
}

// codeCauses tells the causes behind gRPC codes, where nothing better is known.
var codeCauses = map[sdk.Code]sdk.Cause{
	sdk.DeadlineExceeded: sdk.CauseTimeout, sdk.PermissionDenied: sdk.CauseDenied,
	sdk.Unauthenticated: sdk.CauseDenied, sdk.ResourceExhausted: sdk.CauseRateLimited,
	sdk.Unimplemented: sdk.CauseNoRoute, sdk.Unavailable: sdk.CauseConnectFailure,
	sdk.Internal: sdk.CauseInternal,
}

// httpCodes are the gRPC codes of HTTP status codes without grpc-status.
// Source: https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
var httpCodes = map[int]sdk.Code{
	400: sdk.Internal, 401: sdk.Unauthenticated, 403: sdk.PermissionDenied, 404: sdk.Unimplemented,
	429: sdk.Unavailable, 502: sdk.Unavailable, 503: sdk.Unavailable, 504: sdk.Unavailable,
}

// failureOf reads a response that carries no message of the protocol: a local
// reply of Envoy, or a refusal by the far edge. Body is its text, if it is no gRPC.
func failureOf(headers []Field, body []byte) sdk.Failure {
	status := statusOf(headers)
	f := sdk.Failure{Code: sdk.Unknown}
	if v, ok := find(headers, "grpc-status"); ok {
		if n, err := strconv.ParseUint(string(v), 10, 8); err == nil {
			f.Code = sdk.Code(n)
		}
	} else if code, ok := httpCodes[status]; ok {
		f.Code = code
	}
	if v, ok := find(headers, "grpc-message"); ok {
		f.Message = percentDecoded(v)
	} else if len(body) > 0 {
		f.Message = string(body[:min(len(body), maxStatusMessage)])
	}
	text, _ := find(headers, headerCause)
	f.Cause = causeOf(string(text), status, f.Code)
	if f.Cause == sdk.CauseTimeout {
		// Envoy's ways to report a timeout are one error to the client.
		f.Code = sdk.DeadlineExceeded
	}
	if f.Code == sdk.OK {
		f.Code = sdk.Unknown
	}
	return f
}

// causeOf finds the cause in x-meltemi-cause: "<response code> <flags> <details>".
func causeOf(text string, status int, code sdk.Code) sdk.Cause {
	number, rest, _ := strings.Cut(text, " ")
	flags, details, _ := strings.Cut(rest, " ")
	if own, ok := strings.CutPrefix(details, ownDetails); ok {
		own, _, _ = strings.Cut(own, "[")
		for _, c := range causes {
			if c.String() == own {
				return c
			}
		}
	}
	if n, err := strconv.Atoi(number); err == nil {
		status = n
	}
	if strings.HasPrefix(details, "rbac_") {
		return sdk.CauseDenied
	}
	if cause, ok := detailCauses[details]; ok {
		return cause
	}
	for flag := range strings.SplitSeq(flags, ",") {
		cause, ok := flagCauses[flag]
		if !ok {
			continue
		}
		if refusal := statusCauses[status]; cause == sdk.CauseAborted && refusal.Refusal() {
			return refusal
		}
		return cause
	}
	if cause, ok := statusCauses[status]; ok {
		return cause
	}
	if text != "" {
		return sdk.CauseAborted // Envoy answered itself, and nothing else is known: a direct response, say
	}
	return codeCauses[code]
}

// statusOf is :status, 0 where it is missing, as among trailers, or not three digits.
func statusOf(headers []Field) int {
	v, _ := find(headers, ":status")
	if len(v) != 3 {
		return 0
	}
	n := 0
	for _, digit := range v {
		if digit < '0' || digit > '9' {
			return 0
		}
		n = 10*n + int(digit-'0')
	}
	return n
}

// failureFrom turns an error of a codec or of the mapping into what the client is
// told.
func failureFrom(err error, cause sdk.Cause, code sdk.Code) sdk.Failure {
	f := sdk.Failure{Cause: cause, Code: code, Message: err.Error()}
	var call *sdk.CallError
	if asCallError(err, &call) && call.Cause != sdk.CauseUnknown {
		f.Cause = call.Cause
	}
	if c, ok := causeCodes[f.Cause]; ok {
		f.Code = c
	}
	return f
}

// overBudget refuses a long message for which there is no room beside all others.
func overBudget() *sdk.CallError {
	return &sdk.CallError{Cause: sdk.CauseOverloaded, Element: "message", Offset: -1, Err: errOverBudget}
}

var errOverBudget = errors.New("too many long messages are on their way at once")

// badResponse makes the failure of a response out of one that a codec reported: the
// client's request was not to blame.
func badResponse(err error) sdk.Failure {
	return sdk.Failure{Cause: sdk.CauseBadResponse, Code: sdk.Internal, Message: "bad response: " + err.Error()}
}

// causeCodes are the gRPC codes of refusals by our edges.
var causeCodes = map[sdk.Cause]sdk.Code{
	sdk.CauseTooLarge: sdk.ResourceExhausted, sdk.CauseMalformed: sdk.InvalidArgument,
	sdk.CauseUnreadable: sdk.InvalidArgument, sdk.CauseUnsupported: sdk.Unimplemented,
	sdk.CauseBadResponse: sdk.Internal, sdk.CauseInternal: sdk.Internal,
	sdk.CauseDraining: sdk.Unavailable, sdk.CauseOverloaded: sdk.ResourceExhausted,
	sdk.CauseConnectionLost: sdk.Unknown, sdk.CauseConnectFailure: sdk.Unavailable,
	sdk.CauseNoUpstream: sdk.Unavailable, sdk.CauseNoRoute: sdk.Unimplemented,
	sdk.CauseTimeout: sdk.DeadlineExceeded, sdk.CauseDenied: sdk.PermissionDenied,
	sdk.CauseRateLimited: sdk.ResourceExhausted,
}
