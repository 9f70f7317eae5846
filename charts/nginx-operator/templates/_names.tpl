{{/*
Conventions of all named templates of this chart:

- A template takes the root context or, if it needs more, a dict with the keys that its comment names. Of these, context
  is the root context, and component the value of the label app.kubernetes.io/component. The components operator and
  webhooks have their values under the same key.
- It returns a value, or some fields of an object; the caller writes the key above and indents it.
*/}}

{{/* The chart's name, as in the label app.kubernetes.io/name. */}}
{{- define "nginx-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{/*
The name of the operator's objects, and the prefix of all other names. A Service's name is a DNS label of at most 63
characters; the longest suffix, -webhooks, takes nine of them.
*/}}
{{- define "nginx-operator.fullname" -}}
{{- $name := include "nginx-operator.name" . -}}
{{- $fullname := .Values.fullnameOverride -}}
{{- if not $fullname -}}
{{- $fullname = contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- end -}}
{{- $fullname | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of the webhooks' objects. */}}
{{- define "nginx-operator.webhooks.fullname" -}}
{{ include "nginx-operator.fullname" . }}-webhooks
{{- end -}}

{{/* The ServiceAccount of the operator. */}}
{{- define "nginx-operator.serviceAccountName" -}}
{{- default (include "nginx-operator.fullname" .) .Values.operator.serviceAccount.name -}}
{{- end -}}

{{/* The ServiceAccount of the webhooks. */}}
{{- define "nginx-operator.webhooks.serviceAccountName" -}}
{{- default (include "nginx-operator.webhooks.fullname" .) .Values.webhooks.serviceAccount.name -}}
{{- end -}}

{{/* The prefix of the metrics Services' names: short enough for -webhooks-metrics to fit a DNS label. */}}
{{- define "nginx-operator.metricsPrefix" -}}
{{- include "nginx-operator.fullname" . | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{/* The Service of the operator's metrics. */}}
{{- define "nginx-operator.metricsServiceName" -}}
{{ include "nginx-operator.metricsPrefix" . }}-metrics
{{- end -}}

{{/* The Service of the webhooks' metrics. */}}
{{- define "nginx-operator.webhooks.metricsServiceName" -}}
{{ include "nginx-operator.metricsPrefix" . }}-webhooks-metrics
{{- end -}}

{{/* The Secret that the webhooks read: their CA in mode auto, a certificate with its key in the other modes. */}}
{{- define "nginx-operator.webhooks.secretName" -}}
{{- $certs := .Values.webhooks.certs -}}
{{- if eq $certs.mode "existingSecret" -}}
{{- $certs.existingSecret -}}
{{- else if eq $certs.mode "certManager" -}}
{{- include "nginx-operator.webhooks.fullname" . }}-tls
{{- else -}}
{{- include "nginx-operator.webhooks.caSecretName" . -}}
{{- end -}}
{{- end -}}

{{/* The Secret in which the webhooks keep their CA in mode auto. */}}
{{- define "nginx-operator.webhooks.caSecretName" -}}
{{ include "nginx-operator.fullname" . }}-ca
{{- end -}}

{{/* The ConfigMap of the policy. */}}
{{- define "nginx-operator.policyName" -}}
{{- include "nginx-operator.fullname" . }}-policy
{{- end -}}
