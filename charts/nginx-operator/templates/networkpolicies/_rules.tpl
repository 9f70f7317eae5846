{{/*
Ingress rules of a NetworkPolicy. Takes peers, a dict from the name of a port to the peers that may reach it. A port
without peers has no rule, because a rule without peers would admit all of them.
*/}}
{{- define "nginx-operator.ingressRules" -}}
{{- $rules := list -}}
{{- range $port, $peers := .peers -}}
{{- with $peers -}}
{{- $rules = append $rules (dict "from" . "ports" (list (dict "port" $port))) -}}
{{- end -}}
{{- end -}}
{{- toYaml $rules -}}
{{- end -}}

{{/* Egress rules of both components: to the API server, and those of the values. */}}
{{- define "nginx-operator.egressRules" -}}
{{- with .Values.networkPolicy -}}
{{- $ports := list -}}
{{- range .apiServerPorts -}}
{{- $ports = append $ports (dict "port" (int .)) -}}
{{- end -}}
{{- $rule := dict "to" .apiServer "ports" $ports -}}
{{- toYaml (concat (list $rule) (default list .extraEgress)) -}}
{{- end -}}
{{- end -}}
