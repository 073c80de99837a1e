#!/usr/bin/env bash
# Generates the Go code of codec.proto. The tools are pinned here, and are built once.
set -euo pipefail
cd "$(dirname "$0")"
cache=$(cd ../.. && pwd)/.cache/bin/protobuf
buf=v1.50.0 go=v1.36.12 grpc=v1.6.0

if [ "$(cat "$cache/versions" 2>/dev/null)" != "$buf $go $grpc" ]; then
  rm -rf "$cache"
  mkdir -p "$cache"
  GOBIN=$cache go install "github.com/bufbuild/buf/cmd/buf@$buf"
  GOBIN=$cache go install "google.golang.org/protobuf/cmd/protoc-gen-go@$go"
  GOBIN=$cache go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$grpc"
  echo "$buf $go $grpc" >"$cache/versions"
fi
PATH=$cache:$PATH buf generate --template '{"version": "v2", "plugins": [
  {"local": "protoc-gen-go", "out": ".", "opt": "paths=source_relative"},
  {"local": "protoc-gen-go-grpc", "out": ".", "opt": "paths=source_relative"}]}' --path codec.proto
