{{/*
The image of both components. A repository whose first part looks like a host, as in quay.io/me/nginx-operator, gets no
registry in front, which is the rule of all container tools.
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

{{/* The imagePullSecrets of a pod, global ones first, without duplicates; empty if there are none. */}}
{{- define "nginx-operator.imagePullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (.Values.global.imagePullSecrets | default list) (.Values.imagePullSecrets | default list) -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with $secrets | uniq -}}
{{- toYaml . -}}
{{- end -}}
{{- end -}}
