{{/* The labels by which the controller's pods are selected. They never change. */}}
{{- define "meltemi.selector" -}}
app.kubernetes.io/name: meltemi
app.kubernetes.io/component: controller
{{- end }}

{{/* The labels of everything. */}}
{{- define "meltemi.labels" -}}
{{ include "meltemi.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{/* The image, by its digest if one is said. */}}
{{- define "meltemi.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}
