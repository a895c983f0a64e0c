{{/* The alerts' values with the user's in place of the shipped ones. */}}
{{- define "bqe.ruleValues" -}}
{{- $shipped := omit (.Files.Get "files/alert-values.yaml" | fromYaml) "alertmanager" "timing" }}
{{- $_ := unset $shipped.links "dashboards" }}
{{- $_ := set $shipped.exporter "job" (printf ".*%s.*" (include "bqe.name" .)) }}
{{- range $section, $values := .Values.prometheusRule.values }}
{{- if not (hasKey $shipped $section) }}
{{- fail (printf "prometheusRule.values.%s: unknown, expected one of %s" $section (keys $shipped | sortAlpha | join ", ")) }}
{{- end }}
{{- if not (kindIs "map" $values) }}
{{- fail (printf "prometheusRule.values.%s: found %v, expected keys and values" $section $values) }}
{{- end }}
{{- $known := index $shipped $section }}
{{- range $key, $value := $values }}
{{- if not (hasKey $known $key) }}
{{- fail (printf "prometheusRule.values.%s.%s: unknown, expected one of %s" $section $key (keys $known | sortAlpha | join ", ")) }}
{{- end }}
{{- $isText := kindIs "string" (index $known $key) }}
{{- if ne $isText (kindIs "string" $value) }}
{{- $expected := ternary "a text" "a number" $isText }}
{{- fail (printf "prometheusRule.values.%s.%s: found %v, expected %s such as %v" $section $key $value $expected (index $known $key)) }}
{{- end }}
{{- $_ := set $known $key $value }}
{{- end }}
{{- end }}
{{- toYaml $shipped }}
{{- end }}

{{/* The text of the rules, its marks filled in: <<section.key>> or <<section.key*factor/divisor>>. */}}
{{- define "bqe.ruleTexts" -}}
{{- $values := include "bqe.ruleValues" . | fromYaml }}
{{- range $path, $_ := .Files.Glob "files/rules/*.yaml" }}
{{- $text := $.Files.Get $path }}
{{- range $mark := regexFindAll "<<[^<>]+>>" $text -1 | uniq }}
{{- $parts := regexSplit "[.*/]" (trimAll "<>" $mark) -1 }}
{{- $value := index $values (index $parts 0) (index $parts 1) }}
{{- if gt (len $parts) 2 }}
{{- $scaled := divf (mulf $value (index $parts 2)) (index $parts 3) }}
{{- $value = printf "%.15g" $scaled }}
{{- end }}
{{- $text = replace $mark (toString $value) $text }}
{{- end }}
{{ $text | trimPrefix (regexFind "^#[^\n]*\n" $text) | trimPrefix "groups:\n" }}
{{- end }}
{{- end }}

{{/* The groups, without the alerts that are left out, and with the user's labels. */}}
{{- define "bqe.ruleGroups" -}}
{{- $disabled := .Values.prometheusRule.disabled }}
{{- $labels := .Values.prometheusRule.alertLabels }}
{{- $groups := list }}
{{- $names := list }}
{{- range $group := include "bqe.ruleTexts" . | fromYamlArray }}
{{- $rules := list }}
{{- range $rule := $group.rules }}
{{- $names = append $names ($rule.alert | default "") }}
{{- if not (has ($rule.alert | default "-") $disabled) }}
{{- if $rule.alert }}
{{- $_ := set $rule "labels" (merge (dict) $rule.labels $labels) }}
{{- end }}
{{- $rules = append $rules $rule }}
{{- end }}
{{- end }}
{{- if $rules }}
{{- $groups = append $groups (set $group "rules" $rules) }}
{{- end }}
{{- end }}
{{- range $disabled }}
{{- if not (has . $names) }}
{{- fail (printf "prometheusRule.disabled: found %s, expected the name of an alert: %s" . (compact $names | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- toYaml $groups }}
{{- end }}
