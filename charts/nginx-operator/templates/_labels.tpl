{{/*
The labels that select the pods of a component. They never change, because the selector of a Deployment is immutable.
Takes context and component.
*/}}
{{- define "nginx-operator.selectorLabels" -}}
{{- toYaml (dict
  "app.kubernetes.io/name" (include "nginx-operator.name" .context)
  "app.kubernetes.io/instance" .context.Release.Name
  "app.kubernetes.io/component" .component
) -}}
{{- end -}}

{{/*
The labels of an object. They carry versions, so they are not for pod templates, where each upgrade would restart the
pods. Takes context and component.
*/}}
{{- define "nginx-operator.labels" -}}
{{- $chart := .context.Chart -}}
{{- $labels := dict
  "app.kubernetes.io/managed-by" .context.Release.Service
  "app.kubernetes.io/part-of" "nginx-operator"
  "app.kubernetes.io/version" $chart.AppVersion
  "helm.sh/chart" (printf "%s-%s" $chart.Name $chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
-}}
{{- $selectorLabels := include "nginx-operator.selectorLabels" . | fromYaml -}}
{{- toYaml (merge $selectorLabels $labels (.context.Values.commonLabels | default dict)) -}}
{{- end -}}

{{/*
The labels of a component's pods. They carry no version, so an upgrade restarts only pods that it changes otherwise.
Takes context and component.
*/}}
{{- define "nginx-operator.podLabels" -}}
{{- $values := index .context.Values .component -}}
{{- $partOf := dict "app.kubernetes.io/part-of" "nginx-operator" -}}
{{- toYaml (merge (include "nginx-operator.selectorLabels" . | fromYaml) $partOf ($values.podLabels | default dict)) -}}
{{- end -}}

{{/*
commonAnnotations with the annotations of one object, which take precedence; empty if there are none.
Takes context and annotations.
*/}}
{{- define "nginx-operator.annotations" -}}
{{- with merge (dict) (.annotations | default dict) (.context.Values.commonAnnotations | default dict) -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}
