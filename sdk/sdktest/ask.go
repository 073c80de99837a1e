package sdktest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime/metrics"

	"github.com/meltemi-mesh/meltemi/sdk"
)

// Every call of a codec goes through a function of this file. Each holds the codec to
// what is true of any bytes, so all checks check that too.

// decode asks for the message at the front of b.
func (c *checker) decode(codec sdk.Codec, from sdk.Side, b []byte, m *sdk.Message) (int, error) {
	m.Reset()
	c.begin("Decode", b)
	n, err := codec.Decode(from, b, m)
	c.end()
	var call *sdk.CallError
	switch {
	case errors.Is(err, sdk.ErrNeedMore):
		if n != 0 && n <= len(b) {
			c.fail(b, "Decode wants %d bytes, and has %d", n, len(b))
		}
	case err == nil, errors.As(err, &call):
		if n <= 0 || n > len(b) {
			c.fail(b, "Decode finds a message of %d bytes in %d bytes", n, len(b))
			return 0, errContract
		}
		if err == nil && (m.Kind == sdk.KindUnknown || m.Kind > sdk.KindGoAway) {
			c.fail(b, "Decode tells no kind of the message")
			return 0, errContract
		}
	}
	return n, err
}

// errContract stands in for a verdict that makes no sense.
var errContract = errors.New("the codec broke its contract")

// metadata asks for what a message says. Only calls and their answers have any.
func (c *checker) metadata(codec sdk.Codec, m *sdk.Message, b []byte) error {
	m.Bytes = b
	switch m.Kind {
	case sdk.KindRequest, sdk.KindOneWay, sdk.KindResponse:
	default:
		return nil
	}
	c.begin("Metadata", b)
	err := codec.Metadata(m)
	c.end()
	return err
}

// read decodes b, which must be one message, and reads it. The message keeps memory of
// its own.
func (c *checker) read(codec sdk.Codec, from sdk.Side, b []byte, m *sdk.Message) error {
	own := bytes.Clone(b)
	n, err := c.decode(codec, from, own, m)
	if !bytes.Equal(own, b) {
		c.fail(b, "Decode changes the bytes that it is given")
	}
	if err != nil {
		return err
	}
	if n != len(b) {
		return fmt.Errorf("it is found to be %d bytes long instead of %d", n, len(b))
	}
	err = c.metadata(codec, m, own)
	if !bytes.Equal(own, b) {
		c.fail(b, "Metadata changes the message")
	}
	return err
}

// scribble overwrites what a codec borrowed and must not have kept.
func scribble(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

// encode asks for the message with a change, behind other bytes that must stay.
func (c *checker) encode(codec sdk.Codec, m *sdk.Message, mut *sdk.Mutation) ([]byte, error) {
	before := bytes.Clone(m.Bytes)
	c.begin("Encode", before)
	out, err := codec.Encode(space(), m, mut)
	c.end()
	if !bytes.Equal(m.Bytes, before) {
		c.fail(before, "Encode changes the message that it is given")
	}
	if err != nil {
		return nil, err
	}
	return c.behind("Encode", out, before), nil
}

const already = "already written"

// space is a destination with something in it, and room, as the host's has.
func space() []byte { return append(make([]byte, 0, 512), already...) }

// behind is what was appended to a destination.
func (c *checker) behind(what string, out, input []byte) []byte {
	rest, ok := bytes.CutPrefix(out, []byte(already))
	if !ok {
		c.fail(input, "%s changes what was in dst before", what)
	}
	return rest
}

// unsupported reports whether an error declines a change, as the contract wants it.
func unsupported(err error) bool {
	var call *sdk.CallError
	return errors.As(err, &call) && call.Cause == sdk.CauseUnsupported
}

// causeOf is the cause with which an error refuses a call, and false for one that does
// something else.
func causeOf(err error) (sdk.Cause, bool) {
	if call, ok := errors.AsType[*sdk.CallError](err); ok {
		return call.Cause, true
	}
	return 0, false
}

// Memory that a call may take: a small multiple of what it was given.
const (
	memoryPerByte = 64
	memoryAnyway  = 1 << 20
)

// bounded runs f, which asks about input, and fails it if it takes more memory than the
// input excuses. Other threads' memory is counted too, so it is asked a second time.
func (c *checker) bounded(input []byte, f func()) {
	limit := uint64(len(input))*memoryPerByte + memoryAnyway
	took := memoryOf(f)
	for try := 0; took > limit && try < 2; try++ {
		took = min(took, memoryOf(f))
	}
	if took > limit {
		c.fail(input, "takes %d bytes of memory for %d bytes", took, len(input))
	}
}

func memoryOf(f func()) uint64 {
	before := allocated()
	f()
	return allocated() - before
}

func allocated() uint64 {
	sample := [1]metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}
