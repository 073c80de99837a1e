package hosttest

import (
	"strings"
	"time"

	"github.com/meltemi-mesh/meltemi/sdk"
	"github.com/meltemi-mesh/meltemi/sdk/internal/hosttest/probe"
	"github.com/meltemi-mesh/meltemi/sdk/internal/testcodec"
)

// Toy is a call as a message of package testcodec, for hosts whose clients speak that.
func Toy(id uint64, c Call) testcodec.Message {
	m := testcodec.Message{
		Kind: sdk.KindRequest, ID: id, Service: c.Service, Method: c.Method, Timeout: c.Timeout, Payload: c.Payload,
	}
	if c.OneWay {
		m.Kind = sdk.KindOneWay
	}
	for key, value := range map[string]string{probe.KeyRequest: c.Request, probe.KeyResponse: c.Response} {
		if value != "" {
			m.Entries = append(m.Entries, [2]string{key, value})
		}
	}
	for key, value := range c.Metadata {
		m.Entries = append(m.Entries, [2]string{key, value})
	}
	return m
}

// ToyResult is what became of a call that got an answer: seen is what the server got
// since the call began.
func ToyResult(answer testcodec.Message, took time.Duration, seen []testcodec.Message) Result {
	r := Result{Took: took, Code: answer.Status, Cause: answer.Entry("cause"), Payload: answer.Payload, Answer: toyEntries(answer)}
	if len(seen) > 0 {
		last := seen[len(seen)-1]
		r.Reached, r.Service, r.Method, r.Metadata = true, last.Service, last.Method, toyEntries(last)
	}
	return r
}

func toyEntries(m testcodec.Message) map[string]string {
	entries := map[string]string{}
	for _, e := range m.Entries {
		entries[strings.ToLower(e[0])] = e[1]
	}
	return entries
}
