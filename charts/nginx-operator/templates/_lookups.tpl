{{/* Guards that ask the cluster. helm template sees none, and lets everything pass; so does Argo CD. */}}

{{- /*
Compares the chart's CustomResourceDefinition with the cluster's. An upgrade that skips a step could not be rolled back
(docs/versions.md). helm template sees no cluster; then only the API server refuses to drop a stored version.
*/ -}}
{{- define "nginx-operator.guards.apiVersions" -}}
{{- $name := "nginxes.proxy.example.com" -}}
{{- $crd := dict -}}
{{- if .Values.crds.enabled -}}
{{- $crd = lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" $name -}}
{{- end -}}
{{- with $crd -}}
{{- $served := list -}}
{{- range .spec.versions -}}
{{- if .served -}}
{{- $served = append $served .name -}}
{{- end -}}
{{- end -}}
{{- $ours := list -}}
{{- range ($.Files.Get "files/crds/proxy.example.com_nginxes.yaml" | fromYaml).spec.versions -}}
{{- if .served -}}
{{- $ours = append $ours .name -}}
{{- end -}}
{{- if and .storage (not (has .name $served)) -}}
{{- fail (printf "This chart stores Nginx as %s, which the cluster does not serve yet, so there would be no way back: first go to the release in between, which serves both %s and %s." .name .name (join ", " $served)) -}}
{{- end -}}
{{- end -}}
{{- range .status.storedVersions -}}
{{- if not (has . $ours) -}}
{{- fail (printf "Nginx may still be stored as %s (status.storedVersions of CustomResourceDefinition %s), a version that this chart does not serve: first go to the release in between, which serves both %s and %s, and wait until its operator has migrated them: kubectl get crd %s -o jsonpath={.status.storedVersions}" . $name . (join ", " $ours) $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Other releases are found by the annotation of their operator's Deployment, so even those that Helm did not install. helm
template sees no cluster; docs/many-teams.md says what the operators then do. The lookup covers all namespaces, unless
the release has only namespaced objects: then whoever installs it may have no rights in other namespaces.
*/ -}}
{{- define "nginx-operator.guards.otherReleases" -}}
{{- $crd := dict -}}
{{- if .Values.crds.enabled -}}
{{- $crd = lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" "nginxes.proxy.example.com" -}}
{{- end -}}
{{- $fullname := include "nginx-operator.fullname" . -}}
{{- $self := printf "%s/%s" .Release.Namespace .Release.Name -}}
{{- $where := ternary "" .Release.Namespace (not (empty (include "nginx-operator.clusterScoped" .))) -}}
{{- range (lookup "apps/v1" "Deployment" $where "").items -}}
{{- $watches := dig "metadata" "annotations" "proxy.example.com/watches" "" . -}}
{{- $release := dig "metadata" "labels" "app.kubernetes.io/instance" .metadata.name . -}}
{{- if and $watches (ne $self (printf "%s/%s" .metadata.namespace $release)) -}}
{{- $other := printf "Release %s in namespace %s" $release .metadata.namespace -}}
{{- include "nginx-operator.guards.sharedNamespaces" (dict "context" $ "release" $other "watches" $watches) -}}
{{- if eq .metadata.name $fullname -}}
{{- fail (printf "%s has objects named %s, too, and some of them belong to no namespace: use another release name, or set fullnameOverride." $other $fullname) -}}
{{- end -}}
{{- if eq $release (dig "metadata" "labels" "app.kubernetes.io/instance" "" $crd) -}}
{{- fail (printf "%s owns the CustomResourceDefinition: set crds.enabled to false for this release." $other) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Takes context, release (a description of the other one) and watches (its namespaces, joined by commas, or "*"). */ -}}
{{- define "nginx-operator.guards.sharedNamespaces" -}}
{{- $namespace := .context.Release.Namespace -}}
{{- $theirs := splitList "," .watches -}}
{{- $shared := list -}}
{{- range include "nginx-operator.watchedNamespaces" .context | default "*" | splitList "," -}}
{{- if or (has . $theirs) (has "*" $theirs) (eq . "*") -}}
{{- $shared = append $shared . -}}
{{- end -}}
{{- end -}}
{{- if has "*" $shared -}}
{{- $shared = has "*" $theirs | ternary (list "every namespace") $theirs -}}
{{- end -}}
{{- if eq (join "," $shared) $namespace -}}
{{- fail (printf "%s decides about the Nginx of namespace %s, where the readiness probe of this release would ask: install it into a namespace of its own, or set operator.admissionProbe to false." .release $namespace) -}}
{{- else if $shared -}}
{{- fail (printf "%s manages the Nginx of %s already, and no two operators may manage the same ones: set watchNamespaces of both to namespaces that they do not share." .release (join ", " $shared)) -}}
{{- end -}}
{{- end -}}

{{- /*
A dry run and an installation read the Secret before anything is applied. So a switch to it deletes nothing while it is
not there. helm template sees no cluster.
*/ -}}
{{- define "nginx-operator.guards.existingSecret" -}}
{{- $certs := .Values.webhooks.certs -}}
{{- if and (eq $certs.mode "existingSecret") (lookup "v1" "Namespace" "" "kube-system") -}}
{{- $name := $certs.existingSecret -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace $name -}}
{{- if not $secret -}}
{{- fail (printf "webhooks.certs.existingSecret: there is no Secret %s in namespace %s. Create it first, with tls.crt, tls.key and ca.crt (docs/own-certificates.md)." $name .Release.Namespace) -}}
{{- end -}}
{{- range $key := list "tls.crt" "tls.key" "ca.crt" -}}
{{- if not (dig $key "" ($secret.data | default dict)) -}}
{{- fail (printf "webhooks.certs.existingSecret: Secret %s/%s has no %s; it needs tls.crt, tls.key and ca.crt (docs/own-certificates.md)." $.Release.Namespace $name $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
An account that the chart does not create must be there: Helm would delete the former one, and the pods that run would lose
their rights, before it waits in vain for the new ones. helm template sees no cluster.
*/ -}}
{{- define "nginx-operator.guards.serviceAccounts" -}}
{{- if lookup "v1" "Namespace" "" "kube-system" -}}
{{- $operator := dict "component" "operator" "name" (include "nginx-operator.serviceAccountName" .) -}}
{{- $webhooks := dict "component" "webhooks" "name" (include "nginx-operator.webhooks.serviceAccountName" .) -}}
{{- range ternary (list $operator $webhooks) (list $operator) .Values.webhooks.enabled -}}
{{- $given := not (index $.Values .component).serviceAccount.create -}}
{{- if and $given (not (lookup "v1" "ServiceAccount" $.Release.Namespace .name)) -}}
{{- fail (printf "%s.serviceAccount.create is false, and there is no ServiceAccount %s in namespace %s. Create it first, or correct %s.serviceAccount.name." .component .name $.Release.Namespace .component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Webhook configurations belong to no namespace. If somebody deletes the namespace of a release instead of uninstalling it,
they stay, call a Service that is gone, and refuse every Nginx, also those of this release.
*/ -}}
{{- define "nginx-operator.guards.orphanedConfigurations" -}}
{{- if and .Values.webhooks.enabled (lookup "v1" "Namespace" "" "kube-system") -}}
{{- $orphans := list -}}
{{- $gone := "" -}}
{{- $release := "" -}}
{{- range $kind := list "MutatingWebhookConfiguration" "ValidatingWebhookConfiguration" -}}
{{- range (lookup "admissionregistration.k8s.io/v1" $kind "" "").items -}}
{{- if eq (dig "metadata" "labels" "app.kubernetes.io/part-of" "" .) "nginx-operator" -}}
{{- $namespace := dig "clientConfig" "service" "namespace" "" (first (.webhooks | default (list dict))) -}}
{{- if and $namespace (ne $namespace $.Release.Namespace) (not (lookup "v1" "Namespace" "" $namespace)) -}}
{{- $orphans = append $orphans (printf "%s/%s" (lower $kind) .metadata.name) -}}
{{- $gone = $namespace -}}
{{- $release = dig "metadata" "labels" "app.kubernetes.io/instance" "" . -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $orphans -}}
{{- fail (printf "Namespace %s is gone, and with it the webhooks of release %s. Their configurations (%s) are left, and no Nginx that they cover can be created or changed. Delete all that is left of that release: kubectl delete rolebindings,clusterrolebindings,roles,clusterroles,mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicybindings,validatingadmissionpolicies --all-namespaces --selector app.kubernetes.io/part-of=nginx-operator,app.kubernetes.io/instance=%s" $gone $release (join ", " $orphans) $release) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
With rbac.create=false, Helm deletes the Role by which a running operator holds its Lease: the operator would end, and
start again without rights. So another binding must be there first. On a first install nothing is lost, and a warning is
enough. helm template sees no cluster.
*/ -}}
{{- define "nginx-operator.guards.rightsFromElsewhere" -}}
{{- $role := include "nginx-operator.fullname" . -}}
{{- $namespace := .Release.Namespace -}}
{{- if not .Values.rbac.create -}}
{{- $ours := lookup "rbac.authorization.k8s.io/v1" "Role" $namespace $role -}}
{{- if eq .Release.Name (dig "metadata" "annotations" "meta.helm.sh/release-name" "" $ours) -}}
{{- $account := include "nginx-operator.serviceAccountName" . -}}
{{- $bindings := (lookup "rbac.authorization.k8s.io/v1" "RoleBinding" $namespace "").items | default list -}}
{{- if include "nginx-operator.clusterScoped" . -}}
{{- $bindings = concat $bindings ((lookup "rbac.authorization.k8s.io/v1" "ClusterRoleBinding" "" "").items | default list) -}}
{{- end -}}
{{- $granted := false -}}
{{- range $binding := $bindings -}}
{{- $goes := eq $.Release.Name (dig "metadata" "annotations" "meta.helm.sh/release-name" "" $binding) -}}
{{- range $subject := $goes | ternary list (.subjects | default list) -}}
{{- if and (eq $subject.kind "ServiceAccount") (eq $subject.name $account) (eq $subject.namespace $namespace) -}}
{{- $granted = true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $granted -}}
{{- fail (printf "rbac.create is false: this upgrade would delete Role %s/%s, and ServiceAccount %s has no other binding, so the operator would lose its Lease and stop. First bind the same rules to it by objects of your own (kubectl get role,clusterrole -A -l app.kubernetes.io/instance=%s -o yaml shows them), or leave rbac.create true." $namespace $role $account .Release.Name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
An upgrade goes on where the last one of them was deleted: it must not hold up the operator's own. An installation that
precedes its namespaces would watch nothing until the next upgrade.
*/ -}}
{{- define "nginx-operator.guards.watchNamespaces" -}}
{{- $absent := include "nginx-operator.absentNamespaces" . -}}
{{- if and .Release.IsInstall $absent (eq (len (splitList "," $absent)) (len (uniq .Values.watchNamespaces))) -}}
{{- fail (printf "watchNamespaces names no namespace that exists: %s. Create at least one first; its Role is created in it." ($absent | replace "," ", ")) -}}
{{- end -}}
{{- end -}}
