{{/* The components whose metrics there are, as words. */}}
{{- define "nginx-operator.measured" -}}
operator{{ if .Values.webhooks.enabled }} webhooks{{ end }}
{{- end -}}

{{/* Matchers of what Prometheus scraped from a component: (list $ "webhooks"). Other scrapers name their jobs otherwise. */}}
{{- define "nginx-operator.scraped" -}}
{{- $root := index . 0 -}}
namespace="{{ $root.Release.Namespace }}"
{{- if $root.Values.monitoring.serviceMonitor.enabled -}}
,job="{{ include "nginx-operator.metricsName" . }}"
{{- end -}}
{{- end -}}
