{{/*
All entries of one configuration: (list $ "mutate" (list "nginxes")).

A review says nothing of the labels of its namespace, so each class of namespaces has an entry of its own, which the API
server selects by them; its path tells us the class. An entry matches what no earlier class does, and the last matches
the rest, so one entry judges a request.

Entries are never renamed nor removed, and there are always four for classes: the webhooks own a field of each
(server-side apply), so one that Helm gives up would be left half-empty, which the API server refuses; and a new one
would be without caBundle for a moment.
*/}}
{{- define "nginx-operator.entries" -}}
{{- $root := index . 0 -}}
{{- $webhook := index . 1 -}}
{{- $earlier := list -}}
{{- $classes := $root.Values.webhooks.policy.classes | default list }}
{{- range $number := untilStep 0 4 1 }}
- name: class-{{ add1 $number }}.{{ $webhook }}.nginxes.proxy.example.com
  {{- if lt $number (len $classes) }}
  {{- $class := index $classes $number }}
  {{- include "nginx-operator.admission" (list $root (printf "/%s/%s" $webhook $class.name) (append $earlier $class.selector)) | nindent 2 }}
  {{- $opposite := get (dict "In" "NotIn" "NotIn" "In" "Exists" "DoesNotExist" "DoesNotExist" "Exists") $class.selector.operator }}
  {{- $earlier = append $earlier (merge (dict "operator" $opposite) $class.selector) }}
  {{- else }}
  {{- /* Every namespace has this label, so no namespace is meant. */}}
  {{- $nowhere := dict "key" "kubernetes.io/metadata.name" "operator" "DoesNotExist" }}
  {{- include "nginx-operator.admission" (list $root (printf "/%s" $webhook) (list $nowhere)) | nindent 2 }}
  {{- end }}
  {{- include "nginx-operator.admissionRules" (index $ 2) | nindent 2 }}
{{- end }}
- name: {{ $webhook }}.nginxes.proxy.example.com
  {{- include "nginx-operator.admission" (list $root (printf "/%s" $webhook) $earlier) | nindent 2 }}
  {{- include "nginx-operator.admissionRules" (index $ 2) | nindent 2 }}
{{- end -}}

{{- define "nginx-operator.admissionRules" -}}
rules:
  - apiGroups: [proxy.example.com]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: {{ toJson . }}
    scope: Namespaced
{{- end -}}

{{/*
What all entries have in common: (list $ "/mutate" requirements), these on the labels of the namespace.
clientConfig.caBundle is left out on purpose: the webhooks own that field, or cert-manager does.
*/}}
{{- define "nginx-operator.admission" -}}
{{- $root := index . 0 -}}
{{- $selector := deepCopy ($root.Values.webhooks.namespaceSelector | default dict) -}}
{{- $requirements := index . 2 -}}
{{- /* What no operator of this release looks after, its policy does not bind. */ -}}
{{- with include "nginx-operator.scope" $root -}}
{{- $requirements = prepend $requirements (dict "key" "kubernetes.io/metadata.name" "operator" "In" "values" (splitList "," .)) -}}
{{- end -}}
{{- with $requirements -}}
{{- $_ := set $selector "matchExpressions" (concat ($selector.matchExpressions | default list) .) -}}
{{- end -}}
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
{{- with $selector }}
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
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "nginx-operator.secretName" . }}
{{- end }}
{{- end -}}
