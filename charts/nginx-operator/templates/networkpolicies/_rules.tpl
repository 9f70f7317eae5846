{{/*
Who may reach which port, by the port's name: (dict "metrics" peers). A rule without peers would admit
everybody, so a port that nobody may reach has no rule.
*/}}
{{- define "nginx-operator.ingress" -}}
{{- $rules := list -}}
{{- range $port, $peers := . -}}
{{- with $peers -}}
{{- $rules = append $rules (dict "from" . "ports" (list (dict "port" $port))) -}}
{{- end -}}
{{- end -}}
ingress:
  {{- toYaml $rules | nindent 2 }}
{{- end -}}

{{/* What both components may reach: the API server, and what values add. */}}
{{- define "nginx-operator.egress" -}}
{{- with .Values.networkPolicy -}}
{{- $ports := list -}}
{{- range .apiServerPorts -}}
{{- $ports = append $ports (dict "port" (int .)) -}}
{{- end -}}
{{- $rule := dict "to" .apiServer "ports" $ports -}}
egress:
  {{- toYaml (concat (list $rule) (default list .extraEgress)) | nindent 2 }}
{{- end -}}
{{- end -}}
