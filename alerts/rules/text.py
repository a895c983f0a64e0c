"""Pieces of annotations: Go templates that Prometheus fills in when an alert fires."""

from urllib.parse import quote

from .promql import QUOTA_CODE, MODEL as MODEL_LABELS

MODEL = "{{ $labels.model }} ({{ $labels.scope }}, {{ $labels.region }})"
QUOTA_ROW = "{{ $labels.quota }} of " + MODEL


def percent(ratio):
    return f"{ratio * 100:g}%"


def span(seconds):
    """Seconds as Prometheus's humanizeDuration writes whole minutes, hours and days."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} minutes" if rest == 0 else f"{seconds} seconds"


def lookup(query, by, show, unknown="unknown"):
    """The first answer to `query`, whose %s stands for matchers on the labels `by`."""
    return "{{ with " + _query(query, by) + " }}{{ . | first | " + show + " }}{{ else }}" + unknown + "{{ end }}"


def lookup_each(query, by, label, unknown="unknown"):
    """The values of a label in all answers to `query`, in order."""
    each = "{{ range $i, $answer := . }}{{ if $i }}, {{ end }}{{ $answer.Labels." + label + " }}{{ end }}"
    return "{{ with " + _query(query, by) + f' | sortByLabel "{label}" }}}}' + each + "{{ else }}" + unknown + "{{ end }}"


def _query(query, by):
    labels = by.split(", ") if by else []
    text = query.replace('"', "'").replace("%s", ",".join(f"{label}='%s'" for label in labels))
    if not labels:
        return f'query "{text}"'
    return f'printf "{text}" ' + " ".join(f"$labels.{label}" for label in labels) + " | query"


WHERE = "account " + lookup(
    'bedrock_account_info{%s,account_name!=""}', "account_id", 'label "account_name"', "{{ $labels.account_id }}"
) + ", {{ $labels.region }}"

QUOTA_NAME = lookup(
    "bedrock_service_quota_info{%s}", QUOTA_CODE, 'label "quota_name"', "quota {{ $labels.quota_code }}")

CAUSE = lookup_each("max by (cause) (bedrock_throttle_cause{%s}) == 1", MODEL_LABELS, "cause")


def links(values, name, dashboard, labels):
    """runbook_url and dashboard_url; the link carries whichever of the dashboards' variables the alert has."""
    variables = {"account_id": "account", "region": "region", "scope": "scope", "model": "model"}
    chosen = [f"var-{variables[label]}={{{{ $labels.{label} | urlquery }}}}" for label in variables if label in labels]
    uid = values["links"]["dashboards"][dashboard]
    return {
        "runbook_url": f"{values['links']['runbooks']}/{quote(name)}.md",
        "dashboard_url": f"{values['links']['grafana']}/d/{uid}" + ("?" + "&".join(chosen) if chosen else ""),
    }
