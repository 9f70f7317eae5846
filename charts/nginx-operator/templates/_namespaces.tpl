{{/*
The namespaces whose Nginx this release handles, sorted and joined by commas; empty means all. The release's own
namespace is one of them if the operator's readiness probe creates its Nginx there.
*/}}
{{- define "nginx-operator.watchedNamespaces" -}}
{{- $namespaces := .Values.watchNamespaces | default list -}}
{{- if and $namespaces .Values.webhooks.enabled .Values.operator.admissionProbe -}}
{{- $namespaces = append $namespaces .Release.Namespace -}}
{{- end -}}
{{- $namespaces | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/*
The namespaces of watchNamespaces that do not exist, joined by commas. helm template sees no cluster, and finds none.
Neither does whoever installs namespaced objects alone: they may not ask for other namespaces.
*/}}
{{- define "nginx-operator.absentNamespaces" -}}
{{- $absent := list -}}
{{- if and .Values.watchNamespaces (include "nginx-operator.clusterScoped" .) (lookup "v1" "Namespace" "" "kube-system") -}}
{{- range .Values.watchNamespaces -}}
{{- if and (ne . $.Release.Namespace) (not (lookup "v1" "Namespace" "" .)) -}}
{{- $absent = append $absent . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join "," $absent -}}
{{- end -}}

{{/* "true" if the release has objects that belong to no namespace; empty otherwise. */}}
{{- define "nginx-operator.clusterScoped" -}}
{{- $rbac := .Values.rbac -}}
{{- $clusterRoles := or $rbac.aggregate $rbac.confine (not .Values.watchNamespaces) .Values.webhooks.policy.classes -}}
{{- if or .Values.crds.enabled .Values.webhooks.enabled (and $rbac.create $clusterRoles) -}}
true
{{- end -}}
{{- end -}}

{{/*
The Nginx of namespaces that the release no longer watches, as namespace/name joined by commas, ten at the most. Which
ones it watched before, the annotation of its Deployment tells. helm template sees no cluster.
*/}}
{{- define "nginx-operator.abandonedNginxes" -}}
{{- $found := list -}}
{{- $now := include "nginx-operator.watchedNamespaces" . -}}
{{- if and $now (include "nginx-operator.clusterScoped" .) -}}
{{- $deployment := lookup "apps/v1" "Deployment" .Release.Namespace (include "nginx-operator.fullname" .) -}}
{{- $before := dig "metadata" "annotations" "proxy.example.com/watches" "" $deployment -}}
{{- $kept := splitList "," $now -}}
{{- range $namespace := ternary (list "") (splitList "," $before) (eq $before "*") -}}
{{- if and $before (not (has $namespace $kept)) -}}
{{- range (lookup "proxy.example.com/v1alpha1" "Nginx" $namespace "").items -}}
{{- if not (has .metadata.namespace $kept) -}}
{{- $found = append $found (printf "%s/%s" .metadata.namespace .metadata.name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if gt (len $found) 10 -}}
{{- $found = append (slice $found 0 10) (printf "and %d more" (sub (len $found) 10)) -}}
{{- end -}}
{{- join "," $found -}}
{{- end -}}
