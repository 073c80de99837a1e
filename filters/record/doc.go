// Package record is the filter that captures chosen calls to rotating files: the messages
// of both sides as they were sent, and what became of the call. `meltemi inspect` shows
// such files, `meltemi replay` sends their calls again; package format says what they
// consist of.
//
//	{"name": "record", "config": {"directory": "/var/log/rpc", "sample": 0.01, "redact": ["authorization"]}}
//
// Calls are chosen by service, method and metadata, then by chance, and when they have
// ended perhaps by outcome and duration. A call that is not chosen at its beginning costs
// nothing more. One that is holds its messages until they are whole, and a copy of them
// until it has ended.
//
// No call waits for a disk. What is recorded goes through a queue to a goroutine that
// writes, and there is a bound for all that open calls and the queue hold together: what
// has no room there is left out and counted.
package record
