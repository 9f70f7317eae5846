{{/* What the pod specs of both components have in common. Takes context and component. */}}
{{- define "nginx-operator.podSpec" -}}
{{- $values := index .context.Values .component -}}
automountServiceAccountToken: true
{{- /* Service links would set an NGINX_OPERATOR_... environment variable for each Service of the namespace. */}}
enableServiceLinks: false
{{- with include "nginx-operator.imagePullSecrets" .context }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with .context.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . | toYaml }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $selector := dict "labelSelector" (dict "matchLabels" (include "nginx-operator.selectorLabels" $ | fromYaml)) }}
  {{- range . }}
  - {{ toYaml (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $selector)) | indent 4 | trim }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* What the containers of both components have in common. Takes context and component. */}}
{{- define "nginx-operator.container" -}}
{{- $values := index .context.Values .component -}}
image: {{ include "nginx-operator.image" .context | quote }}
imagePullPolicy: {{ .context.Values.image.pullPolicy }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .context.Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Command-line arguments that both components understand. */}}
{{- define "nginx-operator.args" -}}
- --policy-file=/etc/nginx-operator/policy.yaml
{{- if .Values.watchNamespaces }}
- --release={{ .Release.Namespace }}/{{ .Release.Name }}
{{- end }}
- --log-format={{ .Values.log.format }}
- --log-level={{ .Values.log.level }}
{{- end -}}

{{/* Environment variables of both components: the pod's own name and namespace. */}}
{{- define "nginx-operator.env" -}}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
{{- end -}}

{{/* Probes of a container. Startup needs CPU time, which a busy node may be short of. Takes port, the name of one. */}}
{{- define "nginx-operator.probes" -}}
startupProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet:
    path: /healthz
    port: {{ .port }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: {{ .port }}
  periodSeconds: 2
  timeoutSeconds: 2
{{- end -}}

{{/* The volume of the policy. */}}
{{- define "nginx-operator.volumes" -}}
- name: policy
  configMap:
    name: {{ include "nginx-operator.policyName" . | toYaml }}
{{- end -}}

{{/* The mount of the policy: the whole volume, because the kubelet does not update a file mounted by subPath. */}}
{{- define "nginx-operator.volumeMounts" -}}
- name: policy
  mountPath: /etc/nginx-operator
  readOnly: true
{{- end -}}
