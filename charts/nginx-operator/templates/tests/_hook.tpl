{{/*
Annotations that make an object a hook of `helm test`, deleted after the test. Takes weight: lower weights are created
first.
*/}}
{{- define "nginx-operator.testHookAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}
