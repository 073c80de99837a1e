package engine

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/wire"
)

// What hosts of filters need to give the answer to one call to another.

// AnswerTo makes the response of a reply that answered another call like this one: the
// reply gets the id of the request.
func (c *Config) AnswerTo(codec int, request, reply []byte) (*Response, error) {
	r := c.reader(codec)
	question, m := &sdk.Message{}, &sdk.Message{}
	if err := r.read(sdk.FromClient, request, question); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := r.read(sdk.FromServer, reply, m); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	if m.Kind != sdk.KindResponse {
		return nil, fmt.Errorf("answer: %w", errNotReply)
	}
	// Where replies go by their order, clients may look at the id all the same.
	if m.ID != question.ID {
		b, err := r.encode(nil, m, &sdk.Mutation{NewID: true, ID: question.ID})
		if err != nil {
			return nil, fmt.Errorf("answer: %w", err)
		}
		reply = b
	}
	var headers, trailers fields
	if err := headers.response(c, &r.guarded, m, false); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	trailers.addInt(nameGRPCStatus, int64(m.Status.Code))
	return &Response{Status: 200, Fields: headers.list, Body: reply, Trailers: trailers.list, End: true}, nil
}

// CanAnswer reports whether AnswerTo can give the reply to other calls: an error if the
// codec cannot read it, or cannot write it under another id.
func (c *Config) CanAnswer(codec int, reply []byte) error {
	r := c.reader(codec)
	m := &sdk.Message{}
	if err := r.read(sdk.FromServer, reply, m); err != nil {
		return err
	}
	if m.Kind != sdk.KindResponse {
		return errNotReply
	}
	_, err := r.encode(nil, m, &sdk.Mutation{NewID: true, ID: m.ID ^ 1})
	return err
}

var errNoKey = errors.New("the codec cannot tell which calls ask for the same")

// AppendKey appends what the answer to a call depends on, as far as its codec knows: calls
// for which the same is appended can have the same answer. Service, method and entry are
// as headers have them, with all changes; request is the message as it came. Of entries
// both count: the application gets what the message says where headers do not change it,
// entries that are not exposed among it, and in the message's spelling.
func (c *Config) AppendKey(dst []byte, codec int, request []byte, service, method string,
	entry func(key string) (value string, ok bool),
) ([]byte, error) {
	r := c.reader(codec)
	m := &sdk.Message{}
	if err := r.read(sdk.FromClient, request, m); err != nil {
		return dst, err
	}
	keyer, ok := r.codec.(sdk.Keyer)
	if !ok {
		return dst, errNoKey
	}
	start := len(dst)
	// The names in the message count too: a reply may name the method that its client
	// called.
	for _, s := range []string{r.codec.Name(), service, method, string(m.Service), string(m.Method)} {
		dst = appendKeyPart(dst, s, true)
	}
	key, err := r.appendKey(dst, keyer, m, entry)
	if err != nil {
		return dst[:start], err
	}
	return key, nil
}

func (r *reader) appendKey(dst []byte, keyer sdk.Keyer, m *sdk.Message, entry func(key string) (value string, ok bool)) (b []byte, err error) {
	defer r.recover("AppendKey", func(cause error) { b, err = dst, internalError(cause) })
	for _, name := range keyer.KeyEntries() {
		value, ok := entry(name)
		dst = appendKeyPart(dst, value, ok)
		dst = appendSpellings(dst, m, []byte(name))
	}
	at := len(dst)
	b, err = keyer.AppendKey(wire.AppendZeros(dst, 4), m)
	if err == nil {
		err = wire.PutLen32(b, at, len(b)-at-4)
	}
	return b, err
}

// appendSpellings appends the entries of a message that look as one key in headers. Servers
// may tell them apart.
func appendSpellings(dst []byte, m *sdk.Message, key []byte) []byte {
	for _, e := range m.Entries() {
		if len(e.Key) == len(key) && bytes.EqualFold(e.Key, key) {
			dst = appendKeyPart(appendKeyPart(dst, string(e.Key), true), string(e.Value), true)
		}
	}
	return appendKeyPart(dst, "", false)
}

// appendKeyPart appends a text so that nothing else can look like it.
func appendKeyPart(dst []byte, s string, ok bool) []byte {
	if !ok {
		return wire.AppendUvarint(dst, 0)
	}
	return append(wire.AppendUvarint(dst, uint64(len(s))+1), s...)
}
