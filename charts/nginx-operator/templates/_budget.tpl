{{/* The PodDisruptionBudget of a component: (list $ "webhooks"). With one replica it would only block a node's drain. */}}
{{- define "nginx-operator.budget" -}}
{{- $root := index . 0 -}}
{{- $settings := index $root.Values (index . 1) -}}
{{- with $settings.podDisruptionBudget -}}
{{- if and .enabled (gt (int $settings.replicas) 1) -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "nginx-operator.componentName" $ }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "nginx-operator.labels" $ | nindent 4 }}
  {{- include "nginx-operator.annotations" (list $root dict) }}
spec:
  maxUnavailable: {{ .maxUnavailable }}
  selector:
    matchLabels:
      {{- include "nginx-operator.selectorLabels" $ | nindent 6 }}
  unhealthyPodEvictionPolicy: {{ .unhealthyPodEvictionPolicy }}
{{- end -}}
{{- end -}}
{{- end -}}
