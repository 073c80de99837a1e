package dubbo

import "github.com/meltemi-mesh/meltemi/sdk"

// dialect is a serialization that this codec reads and writes.
type dialect interface {
	// null and readOnly are the bodies of events.
	null() string
	readOnly() string

	// parseRequest and parseResponse read a body into p.
	parseRequest(p *parser) error
	parseResponse(p *parser) error

	// appendString appends a string as an item of a body; appendValue as a key or a
	// value inside the attachments.
	appendString(dst []byte, s string) []byte
	appendValue(dst []byte, s string) []byte

	// throws reports whether consumers can read an exception.
	throws() bool

	// appendException and appendResult append a result's type and what it says;
	// appendAttachments ends it.
	appendException(dst []byte, kind byte, class, message string) []byte
	appendResult(dst []byte, kind byte, value any) ([]byte, error)
	appendAttachments(dst []byte, list []sdk.Entry) []byte

	// isNull reports whether a value in the attachments is null.
	isNull(p *parser, at int) bool

	// attach completes the changes of the attachments.
	attach(e *editor) error

	// viewArguments and viewResult decode what is otherwise skipped.
	viewArguments(p *parser, types []string) ([]sdk.Argument, error)
	viewResult(p *parser) (any, error)

	// appendArgument appends the value to which the steps lead, of which the first is the
	// number of an argument.
	appendArgument(p *parser, dst []byte, steps []sdk.Step) (text []byte, found bool, err error)
}

// dialectOf returns nil for a serialization that is not known.
func dialectOf(serial byte) dialect {
	switch serial {
	case serialHessian2:
		return hessianDialect{}
	case serialFastjson:
		return textDialect{}
	case serialFastjson2:
		return jsonbDialect{}
	}
	return nil
}
