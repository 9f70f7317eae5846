{{/* The requests of a component's account: (list $ "webhooks"). */}}
{{- define "nginx-operator.ofAccount" -}}
- name: of-this-account
  expression: >-
    request.userInfo.username == 'system:serviceaccount:{{ (index . 0).Release.Namespace }}:{{ include "nginx-operator.accountName" . }}'
{{- end -}}

{{/* Puts the component's policy into force: (list $ "webhooks"). */}}
{{- define "nginx-operator.policyBinding" -}}
{{- $name := include "nginx-operator.componentName" . -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "nginx-operator.labels" . | nindent 4 }}
  {{- include "nginx-operator.annotations" (list (index . 0) dict) }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end -}}
