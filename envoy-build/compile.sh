#!/usr/bin/env bash
# compile.sh FOLDER ARCH [NAME ...]
#
# Compiles what a release has for Linux on ARCH, amd64 or arm64, into FOLDER: meltemi,
# meltemi-controller, libmeltemi.so, and install, which the library's image has; or only
# those that are named.
#
# VERSION and REVISION are written into the programs. The bytes follow from these two,
# the sources, and the versions of Go and the C compiler; not from folders, nor from what
# git says, which is why the go command does not ask it.
set -euo pipefail

fail() {
  echo "compile.sh: $*" >&2
  exit 1
}

[ $# -ge 2 ] || fail "usage: VERSION=... REVISION=... compile.sh FOLDER ARCH [NAME ...]"
[ -n "${VERSION:-}" ] || fail "VERSION is not set"
mkdir -p "$1"
into=$(cd "$1" && pwd)
arch=$2
shift 2
[ $# -gt 0 ] || set -- meltemi meltemi-controller libmeltemi.so install
cd "$(dirname "$0")/.."

# The C compiler and objcopy: this machine's own, or Debian's for the other architecture.
case $arch in
amd64) triple=x86_64-linux-gnu ;;
arm64) triple=aarch64-linux-gnu ;;
*) fail "there is no release for $arch; there are amd64 and arm64" ;;
esac
prefix=$triple-
[ "$arch" != "$(go env GOHOSTARCH)" ] || prefix=""
for tool in gcc objcopy; do
  command -v "$prefix$tool" >/dev/null || fail "$prefix$tool is not installed (on Debian: gcc-${triple//_/-} and libc6-dev-$arch-cross)"
done

work=$(mktemp -d "$into/.compile.XXXXXX")
trap 'rm -rf "$work"' EXIT

ldflags="-s -w -X main.version=$VERSION -X main.revision=${REVISION:-unknown}"
build() {
  GOOS=linux GOARCH=$arch go build -trimpath -buildvcs=false "$@"
}

# The library as `make build` makes it, which says why.
library() {
  CC=${prefix}gcc CGO_ENABLED=1 build -buildmode=c-shared -tags netgo,osusergo \
    -ldflags "$ldflags -extldflags '-Wl,-z,lazy'" -o "$1" ./cmd/libmeltemi
  CGO_ENABLED=0 go run -trimpath -buildvcs=false ./cmd/meltemi codecs -o json >"$work/codecs.json"
  "${prefix}objcopy" --add-section ".meltemi.codecs=$work/codecs.json" --set-section-flags .meltemi.codecs=noload,readonly "$1"
}

for name; do
  case $name in
  meltemi | meltemi-controller) CGO_ENABLED=0 build -ldflags "$ldflags" -o "$work/$name" "./cmd/$name" ;;
  libmeltemi.so) library "$work/$name" ;;
  install) (cd envoy-build/image && CGO_ENABLED=0 build -ldflags "-s -w" -o "$work/$name" ./install) ;;
  *) fail "unknown $name" ;;
  esac
  chmod 755 "$work/$name"
  mv -f "$work/$name" "$into/$name"
done
