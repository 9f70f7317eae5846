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

{{/* The account that a component runs under: (list $ "webhooks"). */}}
{{- define "nginx-operator.accountName" -}}
{{- $settings := index (index . 0).Values (index . 1) -}}
{{- default (include "nginx-operator.componentName" .) $settings.serviceAccount.name -}}
{{- end -}}

{{/*
The Service of a component's metrics: (list $ "webhooks"). With both suffixes a long name would be no DNS label any more.
*/}}
{{- define "nginx-operator.metricsName" -}}
{{- $fullname := include "nginx-operator.fullname" (index . 0) | trunc 46 | trimSuffix "-" -}}
{{- eq (index . 1) "operator" | ternary $fullname (printf "%s-%s" $fullname (index . 1)) -}}
-metrics
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

{{/*
The image of both processes. As everywhere, a repository names a registry itself if its first part looks like a host.
*/}}
{{- define "nginx-operator.image" -}}
{{- with .Values.image -}}
{{- $registry := $.Values.global.imageRegistry | default .registry -}}
{{- if and $registry (not (regexMatch "^([^/]*[.:][^/]*|localhost)/" .repository)) -}}
{{ $registry | trimSuffix "/" }}/
{{- end -}}
{{- .repository -}}
{{- if .digest -}}
@{{ .digest }}
{{- else -}}
:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* imagePullSecrets of a pod, those of an umbrella chart included, each once; with its key, or nothing. */}}
{{- define "nginx-operator.imagePullSecrets" -}}
{{- $found := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) -}}
{{- $found = append $found (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with $found | uniq -}}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}
