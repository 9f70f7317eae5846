{{/*
The namespaces whose Nginx this release decides about, sorted and joined by commas; empty means all. The readiness probe
asks the webhooks in the release's own namespace, so that is one of them.
*/}}
{{- define "nginx-operator.scope" -}}
{{- $scope := .Values.watchNamespaces | default list -}}
{{- if and $scope .Values.webhooks.enabled .Values.operator.admissionProbe -}}
{{- $scope = append $scope .Release.Namespace -}}
{{- end -}}
{{- $scope | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/* Where to look for other releases: everywhere, or where an installer who may touch nothing else may look. */}}
{{- define "nginx-operator.neighbourhood" -}}
{{- $rbac := .Values.rbac -}}
{{- $beyond := or $rbac.aggregate $rbac.confine (not .Values.watchNamespaces) .Values.webhooks.policy.classes -}}
{{- if not (or .Values.crds.enabled .Values.webhooks.enabled (and $rbac.create $beyond)) -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{/*
Refuses what another release stands in the way of. Others are known by the annotation of their operator's Deployment, so
those that no Helm installed are known too. `helm template` sees no cluster, and so no others: what the operators
do then is their own affair (docs/many-teams.md).
*/}}
{{- define "nginx-operator.releasesGuard" -}}
{{- $root := . -}}
{{- $fullname := include "nginx-operator.fullname" . -}}
{{- $ours := include "nginx-operator.scope" . -}}
{{- $crd := dict -}}
{{- if .Values.crds.enabled -}}
{{- $crd = lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "nginxes.proxy.example.com" -}}
{{- end -}}
{{- range (lookup "apps/v1" "Deployment" (include "nginx-operator.neighbourhood" .) "").items -}}
{{- $watches := dig "metadata" "annotations" "proxy.example.com/watches" "" . -}}
{{- $namespace := .metadata.namespace -}}
{{- $release := dig "metadata" "labels" "app.kubernetes.io/instance" .metadata.name . -}}
{{- if and $watches (ne (list $namespace $release | join "/") (list $root.Release.Namespace $root.Release.Name | join "/")) -}}
{{- $other := printf "Release %s in namespace %s" $release $namespace -}}
{{- include "nginx-operator.scopeGuard" (list $other $watches $ours $root.Release.Namespace) -}}
{{- if eq .metadata.name $fullname -}}
{{- fail (printf "%s has objects named %s, too, and some of them belong to no namespace: use another release name, or set fullnameOverride." $other $fullname) -}}
{{- end -}}
{{- if eq $release (dig "metadata" "labels" "app.kubernetes.io/instance" "" $crd) -}}
{{- fail (printf "%s keeps the CustomResourceDefinition: set crds.enabled to false here." $other) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* (list "Release a in namespace b" "shop,blog" "news" "the release's namespace"), where "*" of others and "" of ours mean all. */}}
{{- define "nginx-operator.scopeGuard" -}}
{{- $theirs := splitList "," (index . 1) -}}
{{- $ours := index . 2 | default "*" | splitList "," -}}
{{- $shared := list -}}
{{- range $ours -}}
{{- if or (has . $theirs) (has "*" $theirs) (eq . "*") -}}
{{- $shared = append $shared . -}}
{{- end -}}
{{- end -}}
{{- if has "*" $shared -}}
{{- $shared = has "*" $theirs | ternary (list "every namespace") $theirs -}}
{{- end -}}
{{- if eq (join "," $shared) (index . 3) -}}
{{- fail (printf "%s decides about the Nginx of namespace %s, where the readiness probe of this release would ask: install it into a namespace of its own, or set operator.admissionProbe to false." (index . 0) (index . 3)) -}}
{{- else if $shared -}}
{{- fail (printf "%s looks after the Nginx of %s already, and two operators must not look after the same: set watchNamespaces of both to namespaces that they do not share." (index . 0) (join ", " $shared)) -}}
{{- end -}}
{{- end -}}
