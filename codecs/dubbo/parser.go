package dubbo

import (
	"sync"

	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/hessian2"
	"github.com/meltemi-mesh/meltemi/codecs/dubbo/internal/jsonb"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// item is a value of a body: where it stands in the message, and its text if it is
// a string.
type item struct {
	from, to int
	text     []byte
	null     bool
}

// attachment is an entry of the attachments. Text is set if the value is a string,
// a number or a boolean.
type attachment struct {
	key      []byte
	from     int // of the key
	valueAt  int
	to       int
	text     []byte
	scalar   bool
	isString bool
}

// attachmentsForm is what stands where the attachments should be.
type attachmentsForm uint8

const (
	noAttachments   attachmentsForm = iota // the body ends before them
	nullAttachments                        // null
	mapAttachments
	refAttachments // a reference to a map among the arguments
)

// parser reads one body. It is pooled, since it goes through an interface and
// would otherwise be allocated for each message.
type parser struct {
	frame   []byte
	serial  byte
	dialect dialect // of serial, nil if it is not known
	m       *sdk.Message
	found

	// The readers of dialects, each set by its own.
	hess hessian2.Reader
	json jsonb.Reader
}

// found is what a parser has read.
type found struct {
	// Of a request.
	dubboVersion item
	service      item
	version      item
	method       item
	types        item
	target       item // a generic call's real method: its first argument
	argumentsAt  int  // fastjson: where the first one starts
	generic      bool

	// Of a response.
	result    item // its type, as it stands
	kind      int
	exception exception

	// Of both.
	form        attachmentsForm
	chunk       int // fastjson2: where the attachments' length stands
	mapFrom     int // of the map as a value
	mapEnd      int // where the map's end mark stands
	mapTo       int
	oddKey      int // where the first key stands that is no string, or 0
	attachments []attachment
}

// exception is what is known of an exception.
type exception struct {
	class   []byte
	message []byte
	code    int // of Dubbo's own RpcException, else -1
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

func newParser(m *sdk.Message) *parser {
	p, _ := parsers.Get().(*parser)
	p.frame, p.serial, p.m = m.Bytes, m.Bytes[2]&maskSerial, m
	p.dialect = dialectOf(p.serial)
	attachments := p.attachments[:0]
	p.found = found{} // cleared where it is, not built elsewhere and copied
	p.attachments, p.exception.code = attachments, -1
	return p
}

// release gives the parser back. What it still points to is freed at the latest when
// the pool forgets it, two collections later.
func (p *parser) release() { parsers.Put(p) }

// noteOddKey remembers where a key stands that is no string.
func (p *parser) noteOddKey(at int) {
	if p.oddKey == 0 {
		p.oddKey = at
	}
}

// attach adds an attachment and returns it to be filled in where it is, which is faster
// than to copy it there.
func (p *parser) attach() *attachment {
	p.attachments = append(p.attachments, attachment{})
	return &p.attachments[len(p.attachments)-1]
}

// get returns the last attachment with that key: the one that a map keeps.
func (p *parser) get(key string) *attachment {
	for i := len(p.attachments) - 1; i >= 0; i-- {
		if string(p.attachments[i].key) == key {
			return &p.attachments[i]
		}
	}
	return nil
}
