// Package sdktest checks that a codec keeps the contract of package sdk. It is for
// anyone's codec; `meltemi conformance` runs the same checks from the shell.
//
//	func TestConformance(t *testing.T) {
//		frames, err := sdktest.Load("testdata")
//		if err != nil {
//			t.Fatal(err)
//		}
//		sdktest.Run(t, sdktest.Suite{Codec: mine.Codec{}, Frames: frames})
//	}
//
//	func FuzzConformance(f *testing.F) { sdktest.Fuzz(f, suite) }
//
// # What it needs
//
// A handful of messages that another implementation of the protocol wrote: at least a
// request and its response, better one of each kind and shape. What a [Frame] says beside
// its bytes is what the codec has to read there. Messages that the codec wrote itself
// prove little, since its two halves can be wrong together.
//
// # What it checks
//
// Every frame is cut at every byte, put together from pieces, followed by others and by
// rubbish, and damaged in many thousand ways. Each change that a mesh can ask for is
// made, read back by a second decode, and taken back. Replies, heartbeats and go-aways
// are read as a client would. Memory, time and threads are watched: a codec must not
// allocate by what a message claims, must not hang, and is shared by threads.
//
// A feature that a codec does not have is no failure: the [Report] lists what it declines.
// A codec declines by not implementing an optional interface, or by a CallError with
// CauseUnsupported.
package sdktest
