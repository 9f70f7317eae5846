{{/*
The entries of a webhook configuration. Takes context, webhook (mutate or validate) and resources.

An admission review does not carry the labels of its namespace. So each class of namespaces has an entry of its own,
which the API server selects by these labels and whose path names the class. An entry excludes the namespaces of earlier
classes, and the last entry takes all that are in no class, so that exactly one entry matches each request.

Entries are never renamed or removed, and there are always four for classes: the webhooks own caBundle in each
(server-side apply), so an entry that Helm gave up would stay without its other fields, which the API server refuses. A
new entry would have no caBundle for a moment.
*/}}
{{- define "nginx-operator.webhooks.entries" -}}
{{- $classes := .context.Values.webhooks.policy.classes | default list -}}
{{- $opposites := dict "In" "NotIn" "NotIn" "In" "Exists" "DoesNotExist" "DoesNotExist" "Exists" -}}
{{- /* Matches no namespace, because every namespace has this label. */ -}}
{{- $nowhere := dict "key" "kubernetes.io/metadata.name" "operator" "DoesNotExist" -}}
{{- $noEarlierClass := list -}}
{{- range $index := until 4 -}}
{{- $path := printf "/%s" $.webhook -}}
{{- $requirements := list $nowhere -}}
{{- if lt $index (len $classes) -}}
{{- $class := index $classes $index -}}
{{- $path = printf "/%s/%s" $.webhook $class.name -}}
{{- $requirements = append $noEarlierClass $class.selector -}}
{{- $opposite := dict "operator" (get $opposites $class.selector.operator) -}}
{{- $noEarlierClass = append $noEarlierClass (merge $opposite $class.selector) -}}
{{- end -}}
{{- $entry := dict "name" (printf "class-%d.%s" (add1 $index) $.webhook) "path" $path "requirements" $requirements }}
{{ include "nginx-operator.webhooks.entry" (merge $entry $) }}
{{- end }}
{{- $entry := dict "name" .webhook "path" (printf "/%s" .webhook) "requirements" $noEarlierClass }}
{{ include "nginx-operator.webhooks.entry" (merge $entry $) }}
{{- end -}}

{{/*
One entry of a webhook configuration. Takes context, name, path, requirements on the labels of the namespace, and
resources. It leaves out clientConfig.caBundle, a field that the webhooks own, or cert-manager.
*/}}
{{- define "nginx-operator.webhooks.entry" -}}
{{- $values := .context.Values.webhooks -}}
{{- $requirements := .requirements -}}
{{- with include "nginx-operator.watchedNamespaces" .context -}}
{{- $watched := dict "key" "kubernetes.io/metadata.name" "operator" "In" "values" (splitList "," .) -}}
{{- $requirements = prepend $requirements $watched -}}
{{- end -}}
{{- $namespaceSelector := deepCopy ($values.namespaceSelector | default dict) -}}
{{- with $requirements -}}
{{- $_ := set $namespaceSelector "matchExpressions" (concat ($namespaceSelector.matchExpressions | default list) .) -}}
{{- end -}}
{{- $selected := include "nginx-operator.webhooks.selectorExpression" (dict "selector" $values.objectSelector) -}}
{{- $scale := has "nginxes/scale" .resources -}}
- name: {{ .name }}.nginxes.proxy.example.com
  admissionReviewVersions: [v1]
  clientConfig:
    service:
      name: {{ include "nginx-operator.webhooks.fullname" .context | toYaml }}
      namespace: {{ toYaml .context.Release.Namespace }}
      path: {{ .path }}
      port: 443
  failurePolicy: {{ $values.failurePolicy }}
  matchPolicy: Equivalent
  sideEffects: None
  timeoutSeconds: {{ $values.timeoutSeconds }}
  {{- with $namespaceSelector }}
  namespaceSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if and $selected (not $scale) }}
  objectSelector:
    {{- toYaml $values.objectSelector | nindent 4 }}
  {{- end }}
  matchConditions:
    {{- if and $selected $scale }}
    # The objectSelector, in CEL: a Scale has no labels, so a real one would never match it, and kubectl scale would
    # bypass the policy.
    - name: selected
      expression: >-
        request.?subResource.orValue('') == 'scale' || [object, oldObject].exists(found, found != null{{ $selected }})
    {{- end }}
    # Nothing may block a deletion, whose last updates only remove finalizers. The stored object decides: a create may
    # carry a deletionTimestamp, which the API server drops after the webhooks.
    - name: not-being-deleted
      expression: oldObject == null || !has(oldObject.metadata.deletionTimestamp)
    # Updates of labels, annotations or finalizers need no webhook. An error in the expression would refuse the request,
    # so specs are compared only if both objects have one.
    - name: spec-changed
      expression: >-
        oldObject == null || !has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec
  rules:
    - apiGroups: [proxy.example.com]
      apiVersions: [v1alpha1]
      operations: [CREATE, UPDATE]
      resources: {{ toJson .resources }}
      scope: Namespaced
{{- end -}}

{{/*
A label selector as CEL about the object `found`: " && ..." for each requirement, empty for an empty selector.
Takes selector.
*/}}
{{- define "nginx-operator.webhooks.selectorExpression" -}}
{{- $selector := .selector | default dict -}}
{{- $requirements := list -}}
{{- range $key, $value := $selector.matchLabels -}}
{{- $requirements = append $requirements (dict "key" $key "operator" "In" "values" (list $value)) -}}
{{- end -}}
{{- range concat $requirements ($selector.matchExpressions | default list) }}
{{- $label := printf "found.metadata.?labels[?%s]" (toJson .key) }}
{{- if has .operator (list "Exists" "DoesNotExist") }} && {{ eq .operator "DoesNotExist" | ternary "!" "" }}{{ $label }}.hasValue()
{{- else }} && {{ eq .operator "NotIn" | ternary "!" "" }}{{ toJson .values }}.exists(value, {{ $label }} == optional.of(value))
{{- end }}
{{- end }}
{{- end -}}

{{/* Annotations of both webhook configurations: in mode certManager, they have cert-manager inject caBundle. */}}
{{- define "nginx-operator.webhooks.injectAnnotations" -}}
{{- if eq .Values.webhooks.certs.mode "certManager" -}}
cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "nginx-operator.webhooks.secretName" . }}
{{- end -}}
{{- end -}}
