package thrift

import "bytes"

// Keys that mean something here. Sources: Kitex, pkg/remote/transmeta and
// pkg/transmeta; fbthrift, THeader.h.
const (
	keyService        = "isn"            // TTHeader: the service that a server dispatches on
	keyRPCTimeout     = "rpc_timeout"    // TTHeader, in milliseconds
	keyClientTimeout  = "client_timeout" // THeader of fbthrift, in milliseconds
	keyBusinessStatus = "biz-status"     // TTHeader: a failure in spite of a result
	keyBusinessText   = "biz-message"
	keyChecksum       = "crc32c" // TTHeader: of the payload
)

// keyDeclared is the entry of an exception that the IDL declares: the id of its field.
const keyDeclared = "thrift-exception"

var (
	checksumPrefix = []byte("PV_") // TTHeader: of the payload too, of a kind of the user's

	declaredKey = []byte(keyDeclared)
	tokenKey    = []byte("RPC_TRANSIT_gdpr-token") // as applications get it
)

// numberedKeys are the names of TTHeader's numbered headers, by their number.
// Source: Kitex, pkg/remote/transmeta and protocol/ttheader of cloudwego/gopkg.
var numberedKeys = [...][]byte{
	[]byte("mesh_version"), []byte("transport_type"), []byte("log_id"), []byte("from_service"),
	[]byte("from_cluster"), []byte("from_idc"), []byte("to_service"), []byte("to_cluster"),
	[]byte("to_idc"), []byte("to_method"), []byte("env"), []byte("dest_address"),
	[]byte(keyRPCTimeout), []byte("read_timeout"), []byte("ring_hash_key"), []byte("ddp_tag"),
	[]byte("with_mesh_header"), []byte("connect_timeout"), []byte("span_context"), []byte("short_connection"),
	[]byte("from_method"), []byte("stress_tag"), []byte("msg_type"), []byte("http_content_type"),
	[]byte("raw_ring_hash_key"), []byte("lb_type"), []byte("cluster_shard_id"), []byte("frame_type"),
}

// numberedKey is the name of a numbered header, nil if it has none.
func numberedKey(n uint16) []byte {
	if int(n) < len(numberedKeys) {
		return numberedKeys[n]
	}
	return nil
}

// numberOf is the number of the header with that name.
func numberOf(key []byte) (n int, ok bool) {
	for n := range numberedKeys {
		if bytes.Equal(numberedKeys[n], key) {
			return n, true
		}
	}
	return 0, false
}
