module github.com/meltemi-mesh/meltemi/test/peers/program

go 1.26.0
