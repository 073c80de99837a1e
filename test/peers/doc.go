// Package peers runs real RPC clients and servers, and real Envoys between them, for
// the end-to-end tests: Apache Dubbo in Java and in Go, Apache Thrift, Kitex, brpc-java,
// and `meltemi run`. All of them listen on 127.0.0.1, and each is stopped by the test
// that started it.
package peers
