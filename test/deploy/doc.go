// Package deploy tests what Meltemi is installed with: the chart, with the real Helm on a
// real Kubernetes API (package kube), the plain manifests, and what the documentation says
// of them.
package deploy
