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
{{- $scale := has "nginxes/scale" (index . 2) -}}
{{- $earlier := list -}}
{{- $classes := $root.Values.webhooks.policy.classes | default list }}
{{- range $number := untilStep 0 4 1 }}
- name: class-{{ add1 $number }}.{{ $webhook }}.nginxes.proxy.example.com
  {{- if lt $number (len $classes) }}
  {{- $class := index $classes $number }}
  {{- include "nginx-operator.admission" (list $root (printf "/%s/%s" $webhook $class.name) (append $earlier $class.selector) $scale) | nindent 2 }}
  {{- $opposite := get (dict "In" "NotIn" "NotIn" "In" "Exists" "DoesNotExist" "DoesNotExist" "Exists") $class.selector.operator }}
  {{- $earlier = append $earlier (merge (dict "operator" $opposite) $class.selector) }}
  {{- else }}
  {{- /* Every namespace has this label, so no namespace is meant. */}}
  {{- $nowhere := dict "key" "kubernetes.io/metadata.name" "operator" "DoesNotExist" }}
  {{- include "nginx-operator.admission" (list $root (printf "/%s" $webhook) (list $nowhere) $scale) | nindent 2 }}
  {{- end }}
  {{- include "nginx-operator.admissionRules" (index $ 2) | nindent 2 }}
{{- end }}
- name: {{ $webhook }}.nginxes.proxy.example.com
  {{- include "nginx-operator.admission" (list $root (printf "/%s" $webhook) $earlier $scale) | nindent 2 }}
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
What all entries have in common: (list $ "/mutate" requirements false), these on the labels of the namespace, and whether
an entry judges nginxes/scale too.
clientConfig.caBundle is left out on purpose: the webhooks own that field, or cert-manager does.
*/}}
{{- define "nginx-operator.admission" -}}
{{- $root := index . 0 -}}
{{- $scale := index . 3 -}}
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
{{- $selected := include "nginx-operator.selected" ($root.Values.webhooks.objectSelector | default dict) }}
{{- if and $selected (not $scale) }}
objectSelector:
  {{- toYaml $root.Values.webhooks.objectSelector | nindent 2 }}
{{- end }}
matchConditions:
  {{- if and $selected $scale }}
  # A Scale has no labels, so an objectSelector would never ask about one, and kubectl scale would pass policy by.
  - name: selected
    expression: >-
      request.?subResource.orValue('') == 'scale' || [object, oldObject].exists(found, found != null{{ $selected }})
  {{- end }}
  # Nothing may hold up a deletion: the last updates of an object only take finalizers away.
  # What is stored tells: a create may bring a deletionTimestamp, which is dropped after the webhooks.
  - name: not-being-deleted
    expression: oldObject == null || !has(oldObject.metadata.deletionTimestamp)
  # An update of labels, annotations or finalizers needs no webhook. An error of the expression would refuse the
  # request, so a spec is compared only where both have one.
  - name: spec-changed
    expression: >-
      oldObject == null || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec
{{- end -}}

{{/* A label selector in CEL, for `found`: " && ..." for each requirement, nothing for an empty selector. */}}
{{- define "nginx-operator.selected" -}}
{{- $requirements := list -}}
{{- range $key, $value := .matchLabels -}}
{{- $requirements = append $requirements (dict "key" $key "operator" "In" "values" (list $value)) -}}
{{- end -}}
{{- range concat $requirements (.matchExpressions | default list) }}
{{- $label := printf "found.metadata.?labels[?%s]" (toJson .key) }}
{{- if has .operator (list "Exists" "DoesNotExist") }} && {{ eq .operator "DoesNotExist" | ternary "!" "" }}{{ $label }}.hasValue()
{{- else }} && {{ eq .operator "NotIn" | ternary "!" "" }}{{ toJson .values }}.exists(value, {{ $label }} == optional.of(value))
{{- end }}
{{- end }}
{{- end -}}

{{/* Annotations of both configurations: what cert-manager writes clientConfig.caBundle from, in its mode. */}}
{{- define "nginx-operator.injectAnnotations" -}}
{{- if eq .Values.webhooks.certs.mode "certManager" }}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "nginx-operator.secretName" . }}
{{- end }}
{{- end -}}
