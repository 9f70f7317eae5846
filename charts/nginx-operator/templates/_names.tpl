{{/* The application's name in labels. */}}
{{- define "nginx-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{/*
The name of all objects, before a suffix. A Service's name is a DNS label of 63 characters, and the
longest suffix, -webhooks, takes nine of them.
*/}}
{{- define "nginx-operator.fullname" -}}
{{- $name := include "nginx-operator.name" . -}}
{{- $fullname := .Values.fullnameOverride -}}
{{- if not $fullname -}}
{{- $fullname = contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- end -}}
{{- $fullname | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of what belongs to one component: (list $ "webhooks"). The operator is the main one and has no suffix. */}}
{{- define "nginx-operator.componentName" -}}
{{- $fullname := include "nginx-operator.fullname" (index . 0) -}}
{{- eq (index . 1) "operator" | ternary $fullname (printf "%s-%s" $fullname (index . 1)) -}}
{{- end -}}

{{/* The Secret that the webhooks' certificate comes from: in mode auto their CA, in others certificate and key. */}}
{{- define "nginx-operator.secretName" -}}
{{- $certs := .Values.webhooks.certs -}}
{{- if eq $certs.mode "existingSecret" -}}
{{- $certs.existingSecret -}}
{{- else if eq $certs.mode "certManager" -}}
{{- include "nginx-operator.componentName" (list . "webhooks") }}-tls
{{- else -}}
{{- include "nginx-operator.fullname" . }}-ca
{{- end -}}
{{- end -}}

{{/* The ConfigMap of the policy. */}}
{{- define "nginx-operator.policyName" -}}
{{- include "nginx-operator.fullname" . }}-policy
{{- end -}}

{{/* The image of both processes. */}}
{{- define "nginx-operator.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}
