{{/* Not empty if the chart's CustomResourceDefinition has a version that is no longer served (docs/versions.md). */}}
{{- define "nginx-operator.crd.hasUnservedVersion" -}}
{{- range (.Files.Get "files/crds/proxy.example.com_nginxes.yaml" | fromYaml).spec.versions -}}
{{- if not .served }}yes{{ end -}}
{{- end -}}
{{- end -}}
