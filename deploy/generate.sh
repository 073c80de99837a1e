#!/usr/bin/env bash
# Generates what is generated here: the chart's copies of our CustomResourceDefinitions,
# since a chart holds its own files alone, and the plain manifests, which are the chart
# with its defaults as Helm renders it.
set -euo pipefail
cd "$(dirname "$0")"

rm -f helm/meltemi/files/crds/*.yaml
cp ../controlplane/api/crds/*.yaml helm/meltemi/files/crds/

parts=../.cache/mesh
../test/mesh/parts/build.sh "$parts" helm

# render FILE WHAT [FLAG...]: renders the chart into a file that begins with WHAT.
render() {
  local file=$1 what=$2
  shift 2
  {
    printf '# %s\n# Generated from deploy/helm/meltemi by deploy/generate.sh; DO NOT EDIT.\n' "$what"
    printf 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: meltemi-system\n'
    "$parts/helm" template meltemi helm/meltemi --namespace meltemi-system "$@"
  } >"$file.part"
  mv "$file.part" "$file"
}
render manifests/install.yaml "The controller, its rights and our CustomResourceDefinitions."
render manifests/rbac.yaml "What the controller may do, alone." --show-only templates/rbac.yaml
