{{/* CEL: the request comes from this ServiceAccount of the release. Takes context and name. */}}
{{- define "nginx-operator.fromServiceAccount" -}}
request.userInfo.username == 'system:serviceaccount:{{ .context.Release.Namespace }}:{{ .name }}'
{{- end -}}

{{/* The binding of the ValidatingAdmissionPolicy with the same name. Takes context, component and name. */}}
{{- define "nginx-operator.validatingAdmissionPolicyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name | toYaml }}
  labels:
    {{- include "nginx-operator.labels" . | nindent 4 }}
  {{- with .context.Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  policyName: {{ .name | toYaml }}
  validationActions: [Deny]
{{- end -}}
