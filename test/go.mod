module github.com/meltemi-mesh/meltemi/test

go 1.26.0
