{{/* What the web configuration means for whoever asks the exporter. */}}

{{- define "bqe.web.tls" -}}
{{- if .Values.web.config.tls_server_config }}true{{ end }}
{{- end }}

{{/* Whether a request needs what a probe does not have by itself: "certificate", "user" or nothing. */}}
{{- define "bqe.web.asks" -}}
{{- $tls := .Values.web.config.tls_server_config | default dict }}
{{- if has ($tls.client_auth_type | default "") (list "RequireAnyClientCert" "RequireClientCert" "RequireAndVerifyClientCert") -}}
certificate
{{- else if .Values.web.config.basic_auth_users -}}
user
{{- end }}
{{- end }}

{{/* A probe that can succeed. A list: the root, the probe. */}}
{{- define "bqe.web.probe" -}}
{{- $root := index . 0 }}
{{- $probe := deepCopy (index . 1) }}
{{- if $probe.httpGet }}
{{- $asks := include "bqe.web.asks" $root }}
{{- if or (eq $asks "certificate") (and (eq $asks "user") (not $probe.httpGet.httpHeaders)) }}
{{- $_ := set $probe "tcpSocket" (dict "port" $probe.httpGet.port) }}
{{- $_ := unset $probe "httpGet" }}
{{- else if include "bqe.web.tls" $root }}
{{- $_ := set $probe.httpGet "scheme" "HTTPS" }}
{{- end }}
{{- end }}
{{- toYaml $probe }}
{{- end }}

{{/* How Prometheus speaks TLS with the exporter. */}}
{{- define "bqe.web.tlsConfig" -}}
{{- if .Values.serviceMonitor.tlsConfig }}
{{- toYaml .Values.serviceMonitor.tlsConfig }}
{{- else if .Values.web.tlsSecret -}}
ca:
  secret:
    name: {{ .Values.web.tlsSecret }}
    key: ca.crt
serverName: {{ include "bqe.fullname" . }}.{{ include "bqe.namespace" . }}.svc
{{- end }}
{{- end }}
