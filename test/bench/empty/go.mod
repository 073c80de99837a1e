module github.com/meltemi-mesh/meltemi/test/bench/empty

go 1.26.0

replace github.com/meltemi-mesh/meltemi => ../../..

require github.com/meltemi-mesh/meltemi v0.0.0-00010101000000-000000000000
