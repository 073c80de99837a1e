package dubbo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/sdk"
)

var errPayload = errors.New("a payload and arguments exclude each other")

// BuildRequest implements sdk.RequestBuilder: a request in Hessian 2. The type of
// an argument is a Java type; without one it is Integer, Long, Double, String,
// Boolean, java.util.List or java.util.Map, as its value suggests. A payload is the
// parameter types and the arguments as Hessian 2 has them.
func (*Codec) BuildRequest(dst []byte, r sdk.Request) ([]byte, error) {
	start := len(dst)
	flags := byte(flagRequest | flagTwoWay | serialHessian2)
	if r.OneWay {
		flags &^= flagTwoWay
	}
	dst = appendHeader(dst, flags, 0, r.ID)
	version := "0.0.0"
	if v, ok := entryOf(r.Metadata, keyVersion); ok {
		version = v
	}
	for _, s := range []string{dubboVersion, r.Service, version, r.Method} {
		dst = hessian2.AppendText(dst, s)
	}
	switch {
	case r.Payload != nil && len(r.Arguments) > 0:
		return dst[:start], errPayload
	case r.Payload != nil:
		dst = append(dst, r.Payload...)
	default:
		var err error
		if dst, err = appendArguments(dst, r.Arguments); err != nil {
			return dst[:start], err
		}
	}
	dst = hessianDialect{}.appendAttachments(dst, requestAttachments(&r))
	return finish(dst, start)
}

func appendArguments(dst []byte, arguments []sdk.Argument) ([]byte, error) {
	var types strings.Builder
	for i, a := range arguments {
		descriptor, err := descriptorOf(a)
		if err != nil {
			return dst, fmt.Errorf("argument %d: %w", i+1, err)
		}
		types.WriteString(descriptor)
	}
	dst = hessian2.AppendText(dst, types.String())
	for i, a := range arguments {
		var err error
		if dst, err = hessian2.AppendValue(dst, a.Type, a.Value); err != nil {
			return dst, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return dst, nil
}

// primitives are the descriptors of Java's primitive types, shortNames those of the
// classes that are known by less than their whole name.
var (
	primitives = map[string]string{
		"boolean": "Z", "byte": "B", "char": "C", "double": "D", "float": "F", "int": "I", "long": "J", "short": "S",
	}
	shortNames = map[string]string{
		"String": "java.lang.String", "Integer": "java.lang.Integer", "Long": "java.lang.Long",
		"Double": "java.lang.Double", "Boolean": "java.lang.Boolean", "Object": "java.lang.Object",
		"List": "java.util.List", "Map": "java.util.Map",
	}
)

// descriptorOf is the JVM's descriptor of an argument's type.
func descriptorOf(a sdk.Argument) (string, error) {
	name := a.Type
	if name == "" {
		switch v := a.Value.(type) {
		case nil:
			return "", errors.New("null needs a type, as in java.lang.String:null")
		case bool:
			name = "java.lang.Boolean"
		case string:
			name = "java.lang.String"
		case json.Number:
			name = hessian2.NumberType(v)
		case []any:
			name = "java.util.List"
		default:
			name = "java.util.Map"
		}
	}
	prefix := ""
	for strings.HasSuffix(name, "[]") {
		name, prefix = strings.TrimSuffix(name, "[]"), prefix+"["
	}
	if p, ok := primitives[name]; ok {
		return prefix + p, nil
	}
	if full, ok := shortNames[name]; ok {
		name = full
	}
	return prefix + "L" + strings.ReplaceAll(name, ".", "/") + ";", nil
}

// requestAttachments are those that Apache Dubbo's consumers send, and the user's.
func requestAttachments(r *sdk.Request) []sdk.Entry {
	all := []sdk.Entry{
		{Key: []byte(keyPath), Value: []byte(r.Service)},
		{Key: []byte("interface"), Value: []byte(r.Service)},
	}
	if r.Timeout > 0 {
		ms := strconv.FormatInt(r.Timeout.Milliseconds(), 10)
		all = append(all, sdk.Entry{Key: []byte(keyTimeout), Value: []byte(ms)})
	}
	return append(all, r.Metadata...)
}

func entryOf(list []sdk.Entry, key string) (string, bool) {
	for _, e := range list {
		if string(e.Key) == key {
			return string(e.Value), true
		}
	}
	return "", false
}

// BuildResponse implements sdk.ResponseBuilder, in the request's serialization.
func (*Codec) BuildResponse(dst []byte, req *sdk.Message, r sdk.Response) ([]byte, error) {
	start := len(dst)
	serial := byte(req.Token & maskSerial)
	attachments := req.Token&tokenAttachments != 0
	d := dialectOf(serial)
	if d == nil {
		return dst, unknownSerialization(serial)
	}
	dst = appendHeader(dst, serial, statusOK, req.ID)
	if r.Exception != nil {
		return finish(appendException(dst, d, r.Exception.Type, r.Exception.Message, attachments), start)
	}
	kind := byte(withValue)
	if r.Result == nil {
		kind = nullValue
	}
	if attachments {
		kind += exceptionAndAttachments
	}
	dst, err := d.appendResult(dst, kind, r.Result)
	if err != nil {
		return dst[:start], err
	}
	if attachments {
		dst = d.appendAttachments(dst, append(versionAttachment(), r.Metadata...))
	}
	return finish(dst, start)
}
