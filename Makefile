# Meltemi. `make` alone prints what can be made.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

CACHE := $(CURDIR)/.cache
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)
LINT := $(GOLANGCI) run --config $(CURDIR)/.ci/golangci.yml
FORMAT := $(GOLANGCI) fmt --config $(CURDIR)/.ci/golangci.yml

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
ifeq ($(VERSION),unknown)
# Outside a repository that git trusts, the go command must not ask git either.
export GOFLAGS += -buildvcs=false
endif

LDFLAGS := -s -w -X main.version=$(VERSION)
# Envoy resolves its callbacks when they are first called, so binding must be lazy.
# The pure Go resolver and user lookup keep libc's out of Envoy's process.
LIB_FLAGS := -buildmode=c-shared -trimpath -tags netgo,osusergo -ldflags '$(LDFLAGS) -extldflags "-Wl,-z,lazy"'

# The packages that need neither cgo nor an Envoy, and those that need an Envoy.
ENVOY_PACKAGES := ./sdk/internal/envoytest/... ./examples/...
UNIT_PACKAGES = $$(.ci/pure | grep -vE '/(sdk/internal/envoytest|examples)(/|$$)')

# The modules of peers in Go, which keep their dependencies apart.
PEER_MODULES := dubbogo kitex program thriftgo
# The filters of tests, each a module as its users' are.
TEST_FILTERS := bench/empty soak/chaos

# The modules of examples: what somebody has outside the repository.
EXAMPLE_MODULES := quota

# All modules beside the one at the top.
NESTED_MODULES := envoy-build/image sdk/contrib sdk/wasm test test/mesh/collector $(addprefix test/,$(TEST_FILTERS)) $(addprefix test/peers/,$(PEER_MODULES)) $(addprefix examples/,$(EXAMPLE_MODULES))

# Images and archives: for which platforms, of which commit, and the date of all files in
# them. BASE is what a proxy's image is made from, PUSH the prefix of repositories.
PLATFORMS ?= linux/amd64,linux/arm64
REVISION := $(shell git rev-parse HEAD 2>/dev/null)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
comma := ,
compile = for arch in $(patsubst linux/%,%,$(subst $(comma), ,$(PLATFORMS))); do \
  VERSION='$(VERSION)' REVISION='$(REVISION)' envoy-build/compile.sh dist/build/linux_$$arch $$arch $(1); done
PACK = go run -C envoy-build/image -buildvcs=false . --root $(CURDIR) --binaries $(CURDIR)/dist/build --platform $(PLATFORMS) \
  --version '$(VERSION)' --revision '$(REVISION)' --date $(SOURCE_DATE_EPOCH)
PACK_IMAGE = --out $(CURDIR)/dist/image $(if $(PUSH),--push '$(PUSH)')

FUZZTIME ?= 60s
BENCH ?= .
BENCHCOUNT ?= 1
SOAK ?= 10m

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/meltemi, bin/meltemi-controller and bin/libmeltemi.so
	go build -trimpath -ldflags '$(LDFLAGS) -X main.checkout=$(CURDIR)' -o bin/meltemi ./cmd/meltemi
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/meltemi-controller ./cmd/meltemi-controller
	CGO_ENABLED=1 go build $(LIB_FLAGS) -o bin/libmeltemi.so ./cmd/libmeltemi
	@rm -f bin/libmeltemi.h # nobody includes it: Envoy finds symbols by name
	@bin/meltemi codecs -o json >bin/.codecs.json # what the library carries, for those who do not load it
	@# A library that is up to date has the section already: go build left it alone. The
	@# rename leaves the old file to the Envoys that have it loaded.
	@objcopy --remove-section .meltemi.codecs bin/libmeltemi.so bin/.libmeltemi.so
	@objcopy --add-section .meltemi.codecs=bin/.codecs.json --set-section-flags .meltemi.codecs=noload,readonly bin/.libmeltemi.so
	@mv -f bin/.libmeltemi.so bin/libmeltemi.so
	@rm -f bin/.codecs.json

.PHONY: contrib
contrib: build ## Build bin/libmeltemi-contrib.so, for Envoy's contrib Go filters
	bin/meltemi build --host contrib -o bin/libmeltemi-contrib.so

.PHONY: wasm
wasm: build ## Build bin/meltemi.wasm, for proxies that allow sandboxed code alone
	bin/meltemi build --host wasm -o bin/meltemi.wasm

.PHONY: envoy
envoy: ## Fetch the pinned Envoys into .cache/envoy
	envoy-build/fetch.sh $(CACHE)/envoy

.PHONY: mesh-parts
mesh-parts: ## Build kube-apiserver, istiod and what else the tests of the mesh run, into .cache/mesh
	test/mesh/parts/build.sh $(CACHE)/mesh

.PHONY: image
image: ## Build OCI images into dist/image: library, controller, with BASE=IMAGE a proxy; PUSH=PREFIX pushes them
	@$(call compile,libmeltemi.so install meltemi-controller)
	@$(PACK) library $(PACK_IMAGE)
	@$(PACK) controller $(PACK_IMAGE)
	@$(if $(BASE),$(PACK) proxy '$(BASE)' $(PACK_IMAGE) $(if $(TAG),--tag '$(TAG)'))

.PHONY: release
release: ## Build the archives of a release, their bills of materials and checksums, into dist
	@$(call compile,meltemi meltemi-controller libmeltemi.so)
	@$(PACK) archives --out $(CURDIR)/dist

.PHONY: demo
demo: build envoy ## Show the main features on a real Envoy, then stop everything
	examples/demo/demo.sh

.PHONY: run
run: build envoy ## Run the demo's servers and Envoy until Ctrl-C, with commands to try
	examples/demo/demo.sh --stay

.PHONY: test
test: test-unit test-abi test-contrib test-image test-e2e test-mesh ## Run every test

.PHONY: test-all
test-all: export MELTEMI_TEST_ALL := 1
test-all: test ## Run every test, in every combination of real peers

.PHONY: test-unit
test-unit: ## Run the tests that need no Envoy: without cgo, then with the race detector
	CGO_ENABLED=0 go test -count=1 $(UNIT_PACKAGES)
	go test -race -count=1 $(UNIT_PACKAGES)
	cd sdk/wasm && go test -race -count=1 .
	for example in $(EXAMPLE_MODULES); do $(MAKE) -C examples/$$example test; done

.PHONY: test-abi
test-abi: build ## Test the boundary to Envoy: the vendored header, the exports, the library in a C host
	go test -count=1 ./sdk/abi/...
	cd test && go test -count=1 ./abi

.PHONY: test-contrib
test-contrib: contrib ## Test the library for Envoy's contrib Go filters in a C host
	cd sdk/contrib && go test -count=1 ./...

.PHONY: test-image
test-image: envoy ## Test images and archives: on registries, in a stock Envoy, byte for byte
	.ci/install
	cd envoy-build/image && go test -count=1 -timeout 20m ./...

.PHONY: test-e2e
test-e2e: wasm envoy mesh-parts ## Run the tests on stock Envoy, the oldest and the newest, and with real peers
	.ci/install
	go test -count=1 -timeout 20m $(ENVOY_PACKAGES)
	cd sdk/wasm && go test -count=1 -timeout 20m ./internal/...
	cd test && go test -count=1 -timeout 30m $$(go list ./... | grep -v '/mesh$$')

.PHONY: test-mesh
test-mesh: build envoy mesh-parts ## Run the tests in a real Istio with real sidecars, as root
	.ci/install
	cd test && go test -count=1 -timeout 30m ./mesh

.PHONY: soak
soak: build envoy ## Load with filters that misbehave and clients that leave, for SOAK (10m), with SEED (any)
	cd test && go test -count=1 -timeout 0 -v -run '^TestSoak$$' ./soak -args -soak=$(SOAK) $(if $(SEED),-seed=$(SEED))

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (60s)
	.ci/fuzz $(FUZZTIME)

.PHONY: bench-go
bench-go: ## Run the Go benchmarks that match BENCH (all), BENCHCOUNT times (1)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) $(UNIT_PACKAGES) | grep -v '\[no test files\]'

.PHONY: bench
bench: build envoy ## Measure calls through Envoy beside its native ways: BENCH_ARGS="-full -rounds 5"
	@mkdir -p $(CACHE)/bench
	bin/meltemi build --with github.com/meltemi-mesh/meltemi/test/bench/empty=test/bench/empty -o $(CACHE)/bench/libmeltemi.so
	cd test && go build -o $(CURDIR)/bin/bench ./bench
	bin/bench $(BENCH_ARGS)
	cd test && go test -run '^$$' -bench . -benchmem ./bench

.PHONY: cover
cover: ## Measure what the unit tests cover, into .cache/cover.html
	@mkdir -p $(CACHE)
	CGO_ENABLED=0 go test -count=1 -coverprofile $(CACHE)/cover.out $(UNIT_PACKAGES)
	go tool cover -html $(CACHE)/cover.out -o $(CACHE)/cover.html
	go tool cover -func $(CACHE)/cover.out | tail -n 1

.PHONY: check
check: check-fmt lint layers check-generated check-tidy ## Check format, lint, layers, generated files, modules

.PHONY: check-fmt
check-fmt: $(GOLANGCI) ## Check the format
	$(FORMAT) --diff

.PHONY: fmt
fmt: $(GOLANGCI) ## Format with gofumpt, and group imports
	$(FORMAT)

.PHONY: lint
lint: $(GOLANGCI) ## Lint all modules
	$(LINT) ./...
	for module in $(NESTED_MODULES); do (cd $$module && $(LINT) ./...); done

.PHONY: layers
layers: ## Check who imports whom, and that cgo stays where it belongs
	.ci/layers

.PHONY: generate
generate: ## Generate what is generated
	go generate ./...
	deploy/generate.sh
	cd test/peers/thriftgo && go generate ./...
	cd test/peers/kitex && go generate ./...

.PHONY: check-generated
check-generated: ## Check that what is generated is up to date
	.ci/generated

.PHONY: check-tidy
check-tidy: ## Check that go.mod and go.sum are tidy
	go mod tidy -diff
	for module in $(NESTED_MODULES); do (cd $$module && go mod tidy -diff); done

.PHONY: clean
clean: ## Remove what was built (not what was fetched)
	rm -rf bin dist $(CACHE)/image $(CACHE)/testlib $(CACHE)/soak $(CACHE)/bench $(CACHE)/java $(CACHE)/thrift $(addprefix $(CACHE)/,$(PEER_MODULES)) $(CACHE)/cover.*

# Built once, into a name with its version; the rename keeps a half-built one out.
$(GOLANGCI):
	@mkdir -p $(CACHE)/bin
	work=$$(mktemp -d $(CACHE)/bin/.build.XXXXXX); trap 'rm -rf "$$work"' EXIT; \
	GOBIN=$$work go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); \
	mv -f "$$work/golangci-lint" $@
