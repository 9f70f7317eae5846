{{/* What the pods of both components have in common: (list $ "webhooks"). */}}
{{- define "nginx-operator.podSpec" -}}
{{- $root := index . 0 -}}
{{- $settings := index $root.Values (index . 1) -}}
serviceAccountName: {{ include "nginx-operator.accountName" . }}
automountServiceAccountToken: true
{{- /* Links would fill the environment with NGINX_OPERATOR_... of the Services in the namespace. */}}
enableServiceLinks: false
{{- with include "nginx-operator.imagePullSecrets" $root }}
{{ . }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $settings.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $settings.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $settings.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $own := dict "labelSelector" (dict "matchLabels" (include "nginx-operator.selectorLabels" . | fromYaml)) }}
  {{- range $settings.topologySpreadConstraints }}
  - {{ toYaml (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $own)) | indent 4 | trim }}
  {{- end }}
{{- end }}
volumes:
  {{- /* Mounted whole, not by subPath: only so does the kubelet bring updates. */}}
  - name: policy
    configMap:
      name: {{ include "nginx-operator.policyName" $root }}
{{- if and (eq (index . 1) "webhooks") $root.Values.webhooks.clientCertificates.caSecret }}
  - name: client-ca
    secret:
      secretName: {{ $root.Values.webhooks.clientCertificates.caSecret }}
      items:
        - key: ca.crt
          path: ca.crt
{{- end }}
{{- with $settings.extraVolumes }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the containers of both components have in common: (list $ "webhooks"). */}}
{{- define "nginx-operator.container" -}}
{{- $root := index . 0 -}}
{{- $settings := index $root.Values (index . 1) -}}
image: {{ include "nginx-operator.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
env:
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  {{- if and (eq (index . 1) "webhooks") (eq $root.Values.webhooks.certs.mode "auto") }}
  - name: CA_SECRET
    value: {{ include "nginx-operator.secretName" $root }}
  {{- end }}
  {{- with $settings.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $settings.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: policy
    mountPath: /etc/nginx-operator
    readOnly: true
{{- if and (eq (index . 1) "webhooks") $root.Values.webhooks.clientCertificates.caSecret }}
  - name: client-ca
    mountPath: /etc/nginx-operator-client-ca
    readOnly: true
{{- end }}
{{- with $settings.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Arguments that both processes understand: (list $ "webhooks"). */}}
{{- define "nginx-operator.commonArgs" -}}
{{- $root := index . 0 -}}
- --policy-file=/etc/nginx-operator/policy.yaml
- --log-format={{ $root.Values.log.format }}
- --log-level={{ $root.Values.log.level }}
{{- with (index $root.Values (index . 1)).extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Probes of a container, on its port of this name. Starting takes CPU time, which a busy node may give sparingly. */}}
{{- define "nginx-operator.probes" -}}
startupProbe:
  httpGet:
    path: /healthz
    port: {{ . }}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet:
    path: /healthz
    port: {{ . }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ . }}
  periodSeconds: 2
  timeoutSeconds: 2
{{- end }}
