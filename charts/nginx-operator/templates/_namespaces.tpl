{{/*
The namespaces whose Nginx this release handles, sorted and joined by commas; empty means all. The release's own
namespace is one of them if the operator's readiness probe creates its Nginx there.
*/}}
{{- define "nginx-operator.watchedNamespaces" -}}
{{- $namespaces := .Values.watchNamespaces | default list -}}
{{- if and $namespaces .Values.webhooks.enabled .Values.operator.admissionProbe -}}
{{- $namespaces = append $namespaces .Release.Namespace -}}
{{- end -}}
{{- $namespaces | uniq | sortAlpha | join "," -}}
{{- end -}}
