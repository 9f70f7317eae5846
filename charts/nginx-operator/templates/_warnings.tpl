{{/* Warnings about risky values, for NOTES.txt. Values that cannot work are refused by guards.yaml. */}}
{{- define "nginx-operator.warnings" -}}
{{- $webhooks := .Values.webhooks -}}
{{- $outcome := eq $webhooks.failurePolicy "Fail" | ternary "refuses" "stores unchecked" -}}
{{- $warnings := list -}}
{{- if not .Values.crds.enabled -}}
{{- $warnings = append $warnings "crds.enabled is false. The CustomResourceDefinition nginxes.proxy.example.com must come from elsewhere, and helm upgrade does not move it." -}}
{{- else if not .Values.crds.keep -}}
{{- $warnings = append $warnings "crds.keep is false. helm uninstall deletes the CustomResourceDefinition, every Nginx of the cluster, and the nginx pods." -}}
{{- end -}}
{{- if not .Values.rbac.create -}}
{{- $warnings = append $warnings "rbac.create is false. The ServiceAccounts have no rights until you grant them, and nothing confines them." -}}
{{- else if not .Values.rbac.confine -}}
{{- $warnings = append $warnings "rbac.confine is false. Whoever steals the operator's token may run any pod under any account: RBAC cannot say less." -}}
{{- end -}}
{{- if lt (int .Values.operator.replicas) 1 -}}
{{- $warnings = append $warnings "operator.replicas is 0. No Nginx is reconciled." -}}
{{- end -}}
{{- if not $webhooks.enabled -}}
{{- $warnings = append $warnings "webhooks.enabled is false. A count that policy forbids is stored, and reported only in the status." -}}
{{- else -}}
{{- if lt (int $webhooks.replicas) 2 -}}
{{- $warnings = append $warnings (printf "webhooks.replicas is less than 2. While the only pod is away, the API server %s what is written to an Nginx." $outcome) -}}
{{- else if not $webhooks.podDisruptionBudget.enabled -}}
{{- $warnings = append $warnings (printf "webhooks.podDisruptionBudget.enabled is false. While drains take all pods away, the API server %s what is written to an Nginx." $outcome) -}}
{{- end -}}
{{- if eq $webhooks.failurePolicy "Ignore" -}}
{{- $warnings = append $warnings "webhooks.failurePolicy is Ignore. While no webhook answers, a count that policy forbids is stored." -}}
{{- end -}}
{{- if not .Values.operator.admissionProbe -}}
{{- $warnings = append $warnings "operator.admissionProbe is false. Ready pods, and helm install --wait, do not mean that admission works." -}}
{{- else if or $webhooks.namespaceSelector $webhooks.objectSelector -}}
{{- $warnings = append $warnings (printf "the webhooks are limited by a selector. The operator gets ready only if it matches the probe, an Nginx without labels in namespace %s; otherwise set operator.admissionProbe to false." .Release.Namespace) -}}
{{- end -}}
{{- if eq $webhooks.certs.mode "existingSecret" -}}
{{- $warnings = append $warnings (printf "webhooks.certs.mode is existingSecret. Nobody renews the certificate in Secret %s/%s but you; no restart is needed." .Release.Namespace $webhooks.certs.existingSecret) -}}
{{- end -}}
{{- if and (ne $webhooks.certs.mode "auto") (include "nginx-operator.webhooks.hasAuthority" .) -}}
{{- $warnings = append $warnings (printf "Secret %s/%s, the CA of mode auto, stays until the pods of mode %s are available. The next helm upgrade deletes it." .Release.Namespace (include "nginx-operator.webhooks.caSecretName" .) $webhooks.certs.mode) -}}
{{- end -}}
{{- if $webhooks.hostNetwork -}}
{{- $warnings = append $warnings (printf "webhooks.hostNetwork is true. Ports %d and %d are open on the nodes, where no NetworkPolicy holds: webhooks.clientCertificates lets in the API server alone. Namespace %s must allow PodSecurity privileged." (int $webhooks.port) (int $webhooks.healthPort) .Release.Namespace) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.global.imageRegistry (not (hasPrefix .Values.global.imageRegistry .Values.nginx.image)) -}}
{{- $warnings = append $warnings (printf "global.imageRegistry is not where nginx comes from: pods of an Nginx without spec.image pull %s. nginx.image changes that." .Values.nginx.image) -}}
{{- end -}}
{{- if and .Values.monitoring.prometheusRule.enabled (not .Values.monitoring.serviceMonitor.enabled) -}}
{{- $warnings = append $warnings "monitoring.serviceMonitor.enabled is false. The alerts rely on another scraper, which must add the labels namespace and job." -}}
{{- end -}}
{{- with include "nginx-operator.absentNamespaces" . -}}
{{- $warnings = append $warnings (printf "watchNamespaces has namespaces that do not exist: %s. The operator leaves them out. Once they are there, helm upgrade with the same values gives it its rights in them." (. | replace "," ", ")) -}}
{{- end -}}
{{- with include "nginx-operator.abandonedNginxes" . -}}
{{- $warnings = append $warnings (printf "watchNamespaces no longer covers these Nginx. Their pods keep serving, and their status stays as it is, but no operator manages them: %s." (. | replace "," ", ")) -}}
{{- end -}}
{{- range $warnings }}

WARNING: {{ . }}
{{- end -}}
{{- end -}}
