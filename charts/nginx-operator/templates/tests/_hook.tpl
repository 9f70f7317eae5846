{{/* Annotations of what exists only while `helm test` runs; the least weight comes first. */}}
{{- define "nginx-operator.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}
