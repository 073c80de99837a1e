package brpc

import "github.com/meltemi-mesh/meltemi/sdk"

// Error codes. Source: apache/brpc, src/brpc/errno.proto. Those below 1000 are Linux's.
const (
	codeEPIPE        = 32
	codeECONNRESET   = 104
	codeETIMEDOUT    = 110
	codeECONNREFUSED = 111
	codeEHOSTDOWN    = 112

	codeENOSERVICE    = 1001
	codeENOMETHOD     = 1002
	codeEREQUEST      = 1003
	codeERPCAUTH      = 1004
	codeETOOMANYFAILS = 1005
	codeEPCHANFINISH  = 1006
	codeERPCTIMEDOUT  = 1008
	codeEFAILEDSOCKET = 1009
	codeEHTTP         = 1010
	codeEOVERCROWDED  = 1011
	codeEEOF          = 1014
	codeESSL          = 1016
	codeEREJECT       = 1018
	codeEINTERNAL     = 2001
	codeERESPONSE     = 2002
	codeELOGOFF       = 2003
	codeELIMIT        = 2004
	codeECLOSE        = 2005
	codeEITP          = 2006
)

// statuses are what each code counts as. A server says ELOGOFF, ELIMIT and EOVERCROWDED
// before it begins a call (apache/brpc, ProcessRpcRequest). Codes of connections are
// those of calls that the server made itself, so it had begun.
var statuses = []sdk.NativeStatus{
	{Native: 0, Name: "OK", Code: sdk.OK},
	{Native: codeEPIPE, Name: "EPIPE", Code: sdk.Unknown},
	{Native: codeECONNRESET, Name: "ECONNRESET", Code: sdk.Unknown},
	{Native: codeETIMEDOUT, Name: "ETIMEDOUT", Code: sdk.Unknown},
	{Native: codeECONNREFUSED, Name: "ECONNREFUSED", Code: sdk.Unknown},
	{Native: codeEHOSTDOWN, Name: "EHOSTDOWN", Code: sdk.Unknown},
	{Native: codeENOSERVICE, Name: "ENOSERVICE", Code: sdk.Unimplemented},
	{Native: codeENOMETHOD, Name: "ENOMETHOD", Code: sdk.Unimplemented},
	{Native: codeEREQUEST, Name: "EREQUEST", Code: sdk.InvalidArgument},
	{Native: codeERPCAUTH, Name: "ERPCAUTH", Code: sdk.Unauthenticated},
	{Native: codeETOOMANYFAILS, Name: "ETOOMANYFAILS", Code: sdk.Unknown},
	{Native: codeEPCHANFINISH, Name: "EPCHANFINISH", Code: sdk.Unknown},
	{Native: codeERPCTIMEDOUT, Name: "ERPCTIMEDOUT", Code: sdk.DeadlineExceeded},
	{Native: codeEFAILEDSOCKET, Name: "EFAILEDSOCKET", Code: sdk.Unknown},
	{Native: codeEHTTP, Name: "EHTTP", Code: sdk.Unknown},
	{Native: codeEOVERCROWDED, Name: "EOVERCROWDED", Code: sdk.Unavailable},
	{Native: codeEEOF, Name: "EEOF", Code: sdk.Unknown},
	{Native: codeESSL, Name: "ESSL", Code: sdk.Unknown},
	{Native: codeEREJECT, Name: "EREJECT", Code: sdk.PermissionDenied},
	{Native: codeEINTERNAL, Name: "EINTERNAL", Code: sdk.Unknown},
	{Native: codeERESPONSE, Name: "ERESPONSE", Code: sdk.Internal},
	{Native: codeELOGOFF, Name: "ELOGOFF", Code: sdk.Unavailable},
	{Native: codeELIMIT, Name: "ELIMIT", Code: sdk.Unavailable},
	{Native: codeECLOSE, Name: "ECLOSE", Code: sdk.Unknown},
	{Native: codeEITP, Name: "EITP", Code: sdk.Unknown},
}

// Statuses implements sdk.StatusTable. A code that is not in the table is one of the
// application's own.
func (c *Codec) Statuses() []sdk.NativeStatus {
	table := append([]sdk.NativeStatus(nil), statuses...)
	for i := range table {
		table[i].Code = c.codeOf(int32(table[i].Native)) //nolint:gosec // a small number
	}
	return table
}

// codeOf is what a code counts as. EINTERNAL is what servers make of an error or an
// exception without a code; any code that is not bRPC's or of a connection is one that
// an application chose.
func (c *Codec) codeOf(code int32) sdk.Code {
	if code == codeEINTERNAL {
		return c.other
	}
	for i := range statuses {
		if statuses[i].Native == int(code) {
			return statuses[i].Code
		}
	}
	return c.meant
}

// causeCode is the code that tells a client of a failure. C++ clients repeat a call by
// themselves after EHOSTDOWN, EFAILEDSOCKET, ELIMIT and ELOGOFF, as they would without
// a proxy, and none after a refusal (apache/brpc, src/brpc/retry_policy.cpp). After
// ELOGOFF they make their calls on another connection.
var causeCode = map[sdk.Cause]int32{
	sdk.CauseUnknown:        codeEINTERNAL,
	sdk.CauseNoRoute:        codeENOSERVICE,
	sdk.CauseNoUpstream:     codeEHOSTDOWN,
	sdk.CauseConnectFailure: codeEHOSTDOWN,
	sdk.CauseConnectionLost: codeEFAILEDSOCKET,
	sdk.CauseTimeout:        codeERPCTIMEDOUT,
	sdk.CauseRateLimited:    codeEREJECT,
	sdk.CauseDenied:         codeEREJECT,
	sdk.CauseOverloaded:     codeELIMIT,
	sdk.CauseAborted:        codeEINTERNAL,
	sdk.CauseTooLarge:       codeEREQUEST,
	sdk.CauseMalformed:      codeEREQUEST,
	sdk.CauseUnreadable:     codeEREQUEST,
	sdk.CauseUnsupported:    codeEREQUEST,
	sdk.CauseBadResponse:    codeERESPONSE,
	sdk.CauseDraining:       codeELOGOFF,
	sdk.CauseInternal:       codeEINTERNAL,
}
