{{/* What the objects are called, and the labels that they carry. */}}

{{- define "bqe.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Short enough that the pods' own labels, which add a hash to it, are valid names. */}}
{{- define "bqe.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "bqe.name" . }}
{{- ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "bqe.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace }}
{{- end }}

{{- define "bqe.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "bqe.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "bqe.configMap" -}}
{{- .Values.existingConfigMap | default (printf "%s-config" (include "bqe.fullname" .)) }}
{{- end }}

{{/* The configuration; how often Prometheus scrapes is told from where it is set. */}}
{{- define "bqe.config" -}}
{{- $config := deepCopy .Values.config }}
{{- $monitor := .Values.serviceMonitor }}
{{- if and $monitor.enabled $monitor.interval (not $config.scrape_interval) }}
{{- $_ := set $config "scrape_interval" $monitor.interval }}
{{- end }}
{{- if $config }}
{{- toYaml $config }}
{{- else -}}
# Everything by default.
{}
{{- end }}
{{- end }}

{{- define "bqe.selector" -}}
app.kubernetes.io/name: {{ include "bqe.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of every object, what the user adds included. A list: the root, and labels of this object alone. */}}
{{- define "bqe.labels" -}}
{{- $root := index . 0 }}
{{- $own := include "bqe.selector" $root | fromYaml }}
{{- $_ := set $own "app.kubernetes.io/version" ($root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | trimSuffix "-") }}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- merge $own (index . 1) $root.Values.commonLabels (dict "app.kubernetes.io/part-of" "bedrock-quota-exporter") | toYaml }}
{{- end }}

{{/* The metadata of an object. A list: the root, the name's end, namespace, labels, annotations. */}}
{{- define "bqe.metadata" -}}
{{- $root := index . 0 }}
name: {{ printf "%s%s" (include "bqe.fullname" $root) (index . 1) }}
namespace: {{ index . 2 | default (include "bqe.namespace" $root) }}
labels:
  {{- include "bqe.labels" (list $root (index . 3)) | nindent 2 }}
{{- with merge (dict) (index . 4) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* repository:tag or repository@digest. A list: the image, the tag without one. */}}
{{- define "bqe.image" -}}
{{- $image := index . 0 }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository ($image.tag | default (index . 1)) }}
{{- end }}
{{- end }}
