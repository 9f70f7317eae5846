{{/* What is risky in the values, for NOTES.txt: a paragraph each. What cannot work is refused by guards.yaml instead. */}}
{{- define "nginx-operator.warnings" -}}
{{- $webhooks := .Values.webhooks -}}
{{- $lost := eq $webhooks.failurePolicy "Fail" | ternary "refuses" "stores unchecked" -}}
{{- $found := list -}}
{{- if not .Values.crds.enabled -}}
{{- $found = append $found "crds.enabled is false. The CustomResourceDefinition nginxes.proxy.example.com must come from elsewhere, and helm upgrade does not move it." -}}
{{- else if not .Values.crds.keep -}}
{{- $found = append $found "crds.keep is false. helm uninstall deletes the CustomResourceDefinition, every Nginx of the cluster, and the nginx pods." -}}
{{- end -}}
{{- if not .Values.rbac.create -}}
{{- $found = append $found "rbac.create is false. The ServiceAccounts have no rights until you grant them, and nothing confines them." -}}
{{- else if not .Values.rbac.confine -}}
{{- $found = append $found "rbac.confine is false. Whoever steals the operator's token may run any pod under any account: RBAC cannot say less." -}}
{{- end -}}
{{- if lt (int .Values.operator.replicas) 1 -}}
{{- $found = append $found "operator.replicas is 0. No Nginx is looked after." -}}
{{- end -}}
{{- if not $webhooks.enabled -}}
{{- $found = append $found "webhooks.enabled is false. A count that policy forbids is stored, and reported only in the status." -}}
{{- else -}}
{{- if lt (int $webhooks.replicas) 2 -}}
{{- $found = append $found (printf "webhooks.replicas is less than 2. While the only pod is away, the API server %s what is written to an Nginx." $lost) -}}
{{- else if not $webhooks.podDisruptionBudget.enabled -}}
{{- $found = append $found (printf "webhooks.podDisruptionBudget.enabled is false. While drains take all pods away, the API server %s what is written to an Nginx." $lost) -}}
{{- end -}}
{{- if eq $webhooks.failurePolicy "Ignore" -}}
{{- $found = append $found "webhooks.failurePolicy is Ignore. While no webhook answers, a count that policy forbids is stored." -}}
{{- end -}}
{{- if not .Values.operator.admissionProbe -}}
{{- $found = append $found "operator.admissionProbe is false. Ready pods, and helm install --wait, do not mean that admission works." -}}
{{- else if or $webhooks.namespaceSelector $webhooks.objectSelector -}}
{{- $found = append $found (printf "the webhooks are limited by a selector. The operator gets ready only if it matches the probe, an Nginx without labels in namespace %s; otherwise set operator.admissionProbe to false." .Release.Namespace) -}}
{{- end -}}
{{- if eq $webhooks.certs.mode "existingSecret" -}}
{{- $found = append $found (printf "webhooks.certs.mode is existingSecret. Nobody renews the certificate in Secret %s/%s but you; no restart is needed." .Release.Namespace $webhooks.certs.existingSecret) -}}
{{- end -}}
{{- if $webhooks.hostNetwork -}}
{{- $found = append $found (printf "webhooks.hostNetwork is true. Ports %d and %d are open on the nodes, where no NetworkPolicy holds: webhooks.clientCertificates lets in the API server alone. Namespace %s must allow PodSecurity privileged." (int $webhooks.port) (int $webhooks.healthPort) .Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.global.imageRegistry (not (hasPrefix .Values.global.imageRegistry .Values.nginx.image)) -}}
{{- $found = append $found (printf "global.imageRegistry is not where nginx comes from: pods of an Nginx without spec.image pull %s. nginx.image changes that." .Values.nginx.image) -}}
{{- end -}}
{{- if and .Values.monitoring.prometheusRule.enabled (not .Values.monitoring.serviceMonitor.enabled) -}}
{{- $found = append $found "monitoring.serviceMonitor.enabled is false. The alerts rely on another scraper, which must add the labels namespace and job." -}}
{{- end -}}
{{- range $found }}

WARNING: {{ . }}
{{- end -}}
{{- end -}}
