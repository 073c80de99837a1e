//go:build parts

// Package helm pins Helm, with which the tests of the chart lint, render, install and
// uninstall it (../build.sh).
package helm

import _ "helm.sh/helm/v4/cmd/helm"
