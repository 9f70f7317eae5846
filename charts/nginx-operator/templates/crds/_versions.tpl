{{/* Not empty in a release whose CustomResourceDefinition has several versions: children are told the newer one. */}}
{{- define "nginx-operator.severalVersions" -}}
{{- if gt (len (.Files.Get "files/crds/proxy.example.com_nginxes.yaml" | fromYaml).spec.versions) 1 }}yes{{ end -}}
{{- end -}}

{{/* Not empty in a release whose CustomResourceDefinition has a version that is no longer served (docs/versions.md). */}}
{{- define "nginx-operator.retiredVersions" -}}
{{- range (.Files.Get "files/crds/proxy.example.com_nginxes.yaml" | fromYaml).spec.versions -}}
{{- if not .served }}{{ .name }}{{ end -}}
{{- end -}}
{{- end -}}
