{{/*
What finds the pods of one component: (list $ "webhooks"). Frozen, because a Deployment's selector cannot change.
*/}}
{{- define "nginx-operator.selectorLabels" -}}
{{- $root := index . 0 -}}
{{- toYaml (dict
  "app.kubernetes.io/name" (include "nginx-operator.name" $root)
  "app.kubernetes.io/instance" $root.Release.Name
  "app.kubernetes.io/component" (index . 1)
) -}}
{{- end -}}

{{/* Labels of an object: (list $ "webhooks"). They follow versions, so they stay off pod templates. */}}
{{- define "nginx-operator.labels" -}}
{{- $root := index . 0 -}}
{{- $own := dict
  "app.kubernetes.io/managed-by" $root.Release.Service
  "app.kubernetes.io/part-of" "nginx-operator"
  "app.kubernetes.io/version" $root.Chart.AppVersion
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- toYaml (merge (include "nginx-operator.selectorLabels" . | fromYaml) $own ($root.Values.commonLabels | default dict)) -}}
{{- end -}}

{{/*
Annotations of an object, with their key, as the last lines of its metadata: (list $ own). Nothing where there are none.
What the chart itself needs cannot be taken away.
*/}}
{{- define "nginx-operator.annotations" -}}
{{- with merge (dict) (index . 1) ((index . 0).Values.commonAnnotations | default dict) }}
  annotations:
    {{- toYaml . | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* Labels of a pod: (list $ "webhooks"). Nothing here follows a version, so an upgrade restarts only what changed. */}}
{{- define "nginx-operator.podLabels" -}}
{{- $settings := index (index . 0).Values (index . 1) -}}
{{- toYaml (merge (include "nginx-operator.selectorLabels" . | fromYaml) ($settings.podLabels | default dict)) -}}
{{- end -}}
