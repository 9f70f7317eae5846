{{/*
"true" if the release has the Secret with the webhooks' CA; empty otherwise. Whoever leaves mode auto keeps it, with the
right to read it, until all pods of the new mode are available: before that the pods of mode auto serve, and start again
if they must. The next upgrade deletes it. helm template sees no cluster, and leaves it out at once.
*/}}
{{- define "nginx-operator.webhooks.hasAuthority" -}}
{{- if .Values.webhooks.enabled -}}
{{- if eq .Values.webhooks.certs.mode "auto" -}}
true
{{- else -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "nginx-operator.webhooks.caSecretName" .) -}}
{{- $ours := eq .Release.Name (dig "metadata" "annotations" "meta.helm.sh/release-name" "" $secret) -}}
{{- with $ours | ternary (lookup "apps/v1" "Deployment" .Release.Namespace (include "nginx-operator.webhooks.fullname" .)) dict -}}
{{- $replicas := int .spec.replicas -}}
{{- $status := .status | default dict -}}
{{- $observed := eq (int .metadata.generation) (int $status.observedGeneration) -}}
{{- $complete := and $observed (eq $replicas (int $status.updatedReplicas)) (eq $replicas (int $status.availableReplicas)) -}}
{{- if or (not $complete) (contains "CA_SECRET" (toJson .spec.template.spec.containers)) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
