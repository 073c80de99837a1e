# Meltemi. `make` alone prints what can be made.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c

CACHE := $(CURDIR)/.cache
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
# Envoy resolves its callbacks when they are first called, so binding must be lazy.
LIB_FLAGS := -buildmode=c-shared -trimpath -tags netgo,osusergo -ldflags '$(LDFLAGS) -extldflags "-Wl,-z,lazy"'

PURE := ./sdk ./sdk/wire ./sdk/moduleconfig ./sdk/internal/engine/... ./sdk/internal/nethost ./sdk/internal/testcodec ./codecs/... ./cmd/meltemi/... ./envoy-build/...
FUZZTIME ?= 30s

.PHONY: help
help: ## Print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/meltemi and bin/libmeltemi.so
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/meltemi ./cmd/meltemi
	CGO_ENABLED=1 go build $(LIB_FLAGS) -o bin/libmeltemi.so ./cmd/libmeltemi
	@rm -f bin/libmeltemi.h

.PHONY: envoy
envoy: ## Fetch the pinned Envoys
	envoy-build/fetch.sh $(CACHE)/envoy

.PHONY: demo
demo: build envoy ## Show the main features on a real Envoy, then stop everything
	examples/demo/demo.sh

.PHONY: run
run: build envoy ## Run the demo's servers and Envoy until Ctrl-C, with commands to try
	examples/demo/demo.sh --stay

.PHONY: test
test: test-unit test-abi test-e2e ## Run every test

.PHONY: test-unit
test-unit: ## Run the tests that need no Envoy: without cgo, then with the race detector
	CGO_ENABLED=0 go test -count=1 $(PURE)
	go test -race -count=1 ./sdk ./sdk/internal/engine/... ./sdk/internal/nethost ./codecs/...

.PHONY: test-abi
test-abi: ## Test the boundary to Envoy: what is vendored and what is exported
	go test -count=1 ./sdk/abi/...

.PHONY: test-e2e
test-e2e: build envoy ## Run the tests on stock Envoy, the oldest and the newest, and with real peers
	go test -count=1 -timeout 20m ./sdk/internal/envoytest/... ./examples/...
	.ci/install
	cd test && go test -count=1 -timeout 30m ./...

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@for pkg in $$(go list ./sdk/... ./codecs/... ./cmd/meltemi/...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

.PHONY: check
check: check-fmt lint layers check-tidy ## Check format, lint, layers, generated files, modules

.PHONY: check-fmt
check-fmt: ## Check the format
	@out=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

.PHONY: fmt
fmt: ## Format
	gofmt -w $$(git ls-files '*.go')

$(GOLANGCI):
	GOBIN=$(CACHE)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(CACHE)/bin/golangci-lint $@

.PHONY: lint
lint: $(GOLANGCI) ## Lint
	go vet ./...
	$(GOLANGCI) run --config .ci/golangci.yml ./...
	cd test && go vet ./... && $(GOLANGCI) run --config ../.ci/golangci.yml ./...

.PHONY: layers
layers: ## Check who imports whom
	.ci/layers

.PHONY: check-tidy
check-tidy: ## Check that go.mod and go.sum are tidy
	go mod tidy -diff
	cd test && go mod tidy -diff

.PHONY: clean
clean: ## Remove what was built (not what was fetched)
	rm -rf bin
