module github.com/meltemi-mesh/meltemi/test

go 1.26.0

replace github.com/meltemi-mesh/meltemi => ../

require (
	github.com/apache/dubbo-go-hessian2 v1.13.2
	github.com/apache/thrift v0.25.0
	github.com/meltemi-mesh/meltemi v0.0.0-00010101000000-000000000000
	golang.org/x/mod v0.41.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
	gonum.org/v1/plot v0.17.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc
	google.golang.org/protobuf v1.36.12
)

require (
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.2.0 // indirect
	codeberg.org/go-pdf/fpdf v0.11.1 // indirect
	git.sr.ht/~sbinet/gg v0.7.0 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/dubbogo/gost v1.13.1 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/meltemi-mesh/meltemi/test/soak/chaos v0.0.0-00010101000000-000000000000
	github.com/pkg/errors v0.9.1 // indirect
	go.uber.org/atomic v1.9.0 // indirect
	golang.org/x/image v0.30.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/meltemi-mesh/meltemi/test/soak/chaos => ./soak/chaos
