package main

import (
	"bytes"
	"context"
	"errors"
	"testing"

	apache "github.com/apache/thrift/lib/go/thrift"

	"github.com/meltemi-mesh/meltemi/codecs/thrift"
	"github.com/meltemi-mesh/meltemi/sdk"
)

// form is a transport and a protocol of Thrift.
type form struct {
	name  string
	stack func(*apache.TMemoryBuffer) apache.TProtocol
}

// With THeader the entries are headers, otherwise a map among the arguments.
var forms = []form{
	{"framed-binary", func(m *apache.TMemoryBuffer) apache.TProtocol {
		return apache.NewTBinaryProtocolConf(apache.NewTFramedTransportConf(m, nil), nil)
	}},
	{"framed-compact", func(m *apache.TMemoryBuffer) apache.TProtocol {
		return apache.NewTCompactProtocolConf(apache.NewTFramedTransportConf(m, nil), nil)
	}},
	{"theader-binary", func(m *apache.TMemoryBuffer) apache.TProtocol { return apache.NewTHeaderProtocolConf(m, nil) }},
}

// thriftRequest is a call as apache/thrift writes it.
func thriftRequest(tb testing.TB, f form) []byte {
	tb.Helper()
	ctx := context.Background()
	memory := apache.NewTMemoryBuffer()
	p := f.stack(memory)
	errs := []error{}
	headers, isHeader := p.(*apache.THeaderProtocol)
	if isHeader {
		for _, e := range metadata {
			headers.SetWriteHeader(string(e.Key), string(e.Value))
		}
	}
	errs = append(errs, p.WriteMessageBegin(ctx, "OrderService:findOrders", apache.CALL, 1), p.WriteStructBegin(ctx, ""),
		p.WriteFieldBegin(ctx, "", apache.STRING, 1), p.WriteString(ctx, argument), p.WriteFieldEnd(ctx))
	if !isHeader {
		errs = append(errs, p.WriteFieldBegin(ctx, "", apache.MAP, 2), p.WriteMapBegin(ctx, apache.STRING, apache.STRING, len(metadata)))
		for _, e := range metadata {
			errs = append(errs, p.WriteString(ctx, string(e.Key)), p.WriteString(ctx, string(e.Value)))
		}
		errs = append(errs, p.WriteMapEnd(ctx), p.WriteFieldEnd(ctx))
	}
	errs = append(errs, p.WriteFieldStop(ctx), p.WriteStructEnd(ctx), p.WriteMessageEnd(ctx), p.Flush(ctx))
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
	return bytes.Clone(memory.Bytes())
}

// BenchmarkThriftRequest reads a call: ours into metadata, with its arguments skipped
// to the end; apache/thrift into Go values, as the code that its compiler makes does,
// from a transport that is used again.
func BenchmarkThriftRequest(b *testing.B) {
	for _, f := range forms {
		frame := thriftRequest(b, f)
		b.Run(f.name+"/meltemi", func(b *testing.B) {
			codec, err := thrift.Definition().New(nil)
			if err != nil {
				b.Fatal(err)
			}
			benchmarkRead(b, codec, sdk.FromClient, frame)
		})
		b.Run(f.name+"/apache-thrift", func(b *testing.B) {
			memory := apache.NewTMemoryBuffer()
			p := f.stack(memory)
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for b.Loop() {
				memory.Reset()
				_, _ = memory.Write(frame)
				if argument, _, err := readCall(p); err != nil || argument == "" {
					b.Fatal(argument, err)
				}
			}
		})
	}
}

// readCall reads a call of a method with a string and a map of strings.
func readCall(p apache.TProtocol) (argument string, entries map[string]string, err error) {
	ctx := context.Background()
	if _, _, _, err = p.ReadMessageBegin(ctx); err != nil {
		return "", nil, err
	}
	if _, err = p.ReadStructBegin(ctx); err != nil {
		return "", nil, err
	}
	for {
		_, kind, _, err := p.ReadFieldBegin(ctx)
		if err != nil {
			return "", nil, err
		}
		switch kind {
		case apache.STOP:
			return argument, entries, errors.Join(p.ReadStructEnd(ctx), p.ReadMessageEnd(ctx))
		case apache.STRING:
			argument, err = p.ReadString(ctx)
		case apache.MAP:
			entries, err = readMap(p)
		default:
			err = p.Skip(ctx, kind)
		}
		if err = errors.Join(err, p.ReadFieldEnd(ctx)); err != nil {
			return "", nil, err
		}
	}
}

func readMap(p apache.TProtocol) (map[string]string, error) {
	ctx := context.Background()
	_, _, n, err := p.ReadMapBegin(ctx)
	if err != nil {
		return nil, err
	}
	entries := make(map[string]string, n)
	for range n {
		key, err := p.ReadString(ctx)
		if err != nil {
			return nil, err
		}
		if entries[key], err = p.ReadString(ctx); err != nil {
			return nil, err
		}
	}
	return entries, p.ReadMapEnd(ctx)
}
