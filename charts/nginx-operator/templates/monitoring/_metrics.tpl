{{/*
The headless Service by which Prometheus finds the pods of a component. Takes context, component, name, port and
targetPort.
*/}}
{{- define "nginx-operator.metricsService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name | toYaml }}
  namespace: {{ toYaml .context.Release.Namespace }}
  labels:
    {{- include "nginx-operator.labels" . | nindent 4 }}
  {{- with .context.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  clusterIP: None
  # Metrics matter most while a pod is not ready.
  publishNotReadyAddresses: true
  selector:
    {{- include "nginx-operator.selectorLabels" . | nindent 4 }}
  ports:
    - name: metrics
      port: {{ .port }}
      targetPort: {{ .targetPort }}
      appProtocol: http
{{- end -}}

{{/* The ServiceMonitor of a component. Takes context, component and name. */}}
{{- define "nginx-operator.serviceMonitor" -}}
{{- $values := .context.Values.monitoring.serviceMonitor -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name | toYaml }}
  namespace: {{ toYaml .context.Release.Namespace }}
  labels:
    {{- toYaml (merge (include "nginx-operator.labels" . | fromYaml) ($values.labels | default dict)) | nindent 4 }}
  {{- with .context.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  # The webhooks' own Service has these labels too, but no port of this name.
  selector:
    matchLabels:
      {{- include "nginx-operator.selectorLabels" . | nindent 6 }}
  endpoints:
    - port: metrics
      {{- with $values.interval }}
      interval: {{ . }}
      {{- end }}
      {{- with $values.scrapeTimeout }}
      scrapeTimeout: {{ . }}
      {{- end }}
      {{- with $values.metricRelabelings }}
      metricRelabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{- end -}}

{{/*
Label matchers of what Prometheus scrapes from a component. Without this chart's ServiceMonitors the name of the job is
not known. Takes context and job, the name of the metrics Service.
*/}}
{{- define "nginx-operator.metricsMatchers" -}}
namespace="{{ .context.Release.Namespace }}"
{{- if .context.Values.monitoring.serviceMonitor.enabled -}}
,job="{{ .job }}"
{{- end -}}
{{- end -}}
