module github.com/meltemi-mesh/meltemi/test/peers/thriftgo

go 1.26.0

require github.com/apache/thrift v0.25.0

require github.com/meltemi-mesh/meltemi/test/peers/program v0.0.0

replace github.com/meltemi-mesh/meltemi/test/peers/program => ../program
