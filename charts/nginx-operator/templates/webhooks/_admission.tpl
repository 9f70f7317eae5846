{{/*
What the entries of both configurations have in common: (list $ "/mutate").
clientConfig.caBundle is left out on purpose: the webhooks own that field (server-side apply), or cert-manager does.
*/}}
{{- define "nginx-operator.admission" -}}
{{- $root := index . 0 -}}
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "nginx-operator.componentName" (list $root "webhooks") }}
    namespace: {{ $root.Release.Namespace }}
    path: {{ index . 1 }}
    port: 443
failurePolicy: {{ $root.Values.webhooks.failurePolicy }}
matchPolicy: Equivalent
sideEffects: None
timeoutSeconds: {{ $root.Values.webhooks.timeoutSeconds }}
{{- with $root.Values.webhooks.namespaceSelector }}
namespaceSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.webhooks.objectSelector }}
objectSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
matchConditions:
  # Nothing may hold up a deletion: the last updates of an object only take finalizers away.
  - name: not-being-deleted
    expression: "!has(object.metadata.deletionTimestamp)"
  # An update of labels, annotations or finalizers needs no webhook. An error of the expression would refuse the
  # request, so a spec is compared only where both have one.
  - name: spec-changed
    expression: >-
      oldObject == null || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec
{{- end -}}


{{/* Annotations of both configurations: what cert-manager writes clientConfig.caBundle from, in its mode. */}}
{{- define "nginx-operator.injectAnnotations" -}}
{{- if eq .Values.webhooks.certs.mode "certManager" }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "nginx-operator.secretName" . }}
{{- end }}
{{- end -}}
