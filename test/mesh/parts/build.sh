#!/usr/bin/env bash
# build.sh DIR [NAME...]: builds the control plane that the tests of the mesh run, from its
# pinned Go modules: kube-apiserver, istiod, pilot-agent, istioctl, Envoy's rate limit
# service, Helm, and a receiver of OpenTelemetry's traces; and copies Istio's CRDs and
# the template of its proxies' bootstrap. With names it builds those programs alone. It does
# nothing for a program that is there already.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
wanted=("${@:2}")

# program FOLDER MODULE PACKAGE NAME LDFLAGS: builds what FOLDER pins of MODULE. The rename
# keeps a half-built one out.
program() {
  local package=$2/$3 name=$4 ldflags=$5 version target
  [ ${#wanted[@]} = 0 ] || [[ " ${wanted[*]} " = *" $name "* ]] || return 0
  version=$(cd "$1" && go list -m -f '{{.Version}}' "$2")
  target=$out/$name-$version
  if [ ! -x "$target" ]; then
    echo "mesh: building $name $version" >&2
    (cd "$1" && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w $ldflags" -o "$target.part" "$package")
    mv "$target.part" "$target"
  fi
  ln -sfn "$(basename "$target")" "$out/$name"
}

# Without a version of its own, Istio's proxies call themselves "unknown", and Kubernetes
# refuses to start.
istio="-X istio.io/istio/pkg/version.buildVersion=1.31.0"
kube="-X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
program istio istio.io/istio pilot/cmd/pilot-discovery pilot-discovery "$istio"
program istio istio.io/istio pilot/cmd/pilot-agent pilot-agent "$istio"
program istio istio.io/istio istioctl/cmd/istioctl istioctl "$istio"
program kubernetes k8s.io/kubernetes cmd/kube-apiserver kube-apiserver "$kube"
program ratelimit github.com/envoyproxy/ratelimit src/service_cmd ratelimit ""
program helm helm.sh/helm/v4 cmd/helm helm ""
[ ${#wanted[@]} = 0 ] || exit 0
# The receiver of traces is a program of ours around the collector's own, so what decides
# whether it is up to date is the go command.
(cd ../collector && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$out/collector" .)
source=$(cd istio && go list -m -f '{{.Dir}}' istio.io/istio)
install -m 644 "$source/manifests/charts/base/files/crd-all.gen.yaml" "$out/istio-crds.yaml"
install -m 644 "$source/tools/packaging/common/envoy_bootstrap.json" "$out/istio-bootstrap.json"
