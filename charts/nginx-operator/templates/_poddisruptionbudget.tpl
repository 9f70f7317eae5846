{{/*
The PodDisruptionBudget of a component; empty with fewer than two replicas, where it would only block node drains.
Takes context, component and name.
*/}}
{{- define "nginx-operator.podDisruptionBudget" -}}
{{- $values := index .context.Values .component -}}
{{- $budget := $values.podDisruptionBudget -}}
{{- if and $budget.enabled (gt (int $values.replicas) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
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
  {{- if kindIs "invalid" $budget.minAvailable }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- else }}
  minAvailable: {{ $budget.minAvailable }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "nginx-operator.selectorLabels" . | nindent 6 }}
  unhealthyPodEvictionPolicy: {{ $budget.unhealthyPodEvictionPolicy }}
{{- end -}}
{{- end -}}
