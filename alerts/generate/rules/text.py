"""Summaries and descriptions: prose with <parts>, made into Go templates that Prometheus fills in."""

import re
from urllib.parse import quote

from .promql import MODEL, QUOTA_CODE


def percent(ratio):
    return f"{ratio * 100:g}%"


def minutes(seconds):
    return f"{seconds // 60} minutes"


def lookup(query, by, show, unknown="unknown", before=""):
    """The first answer to `query`, whose %s stands for matchers on the labels `by`; `before` stands before a known one."""
    known = before + "{{ . | first | " + show + " }}"
    return "{{ with " + _query(query, by) + " }}" + known + "{{ else }}" + unknown + "{{ end }}"


def lookup_each(query, by, label, unknown="unknown"):
    """The values of a label in all answers to `query`, in order."""
    each = "{{ range $i, $answer := . }}{{ if $i }}, {{ end }}{{ $answer.Labels." + label + " }}{{ end }}"
    return (
        "{{ with " + _query(query, by) + f' | sortByLabel "{label}" }}}}' + each + "{{ else }}" + unknown + "{{ end }}"
    )


def _query(query, by):
    labels = by.split(", ") if by else []
    text = query.replace('"', "'").replace("%s", ",".join(f"{label}='%s'" for label in labels))
    if not labels:
        return f'query "{text}"'
    return f'printf "{text}" ' + " ".join(f"$labels.{label}" for label in labels) + " | query"


# What <parts> mean everywhere; those of one alert stand beside its text, every other one is a label.
COMMON = {
    "value": "{{ $value | humanize }}",
    "value_percent": "{{ $value | humanizePercentage }}",
    "value_duration": "{{ $value | humanizeDuration }}",
    "where": "account "
    + lookup(
        'bedrock_account_info{%s,account_name!=""}', "account_id", 'label "account_name"', "{{ $labels.account_id }}"
    )
    + ", {{ $labels.region }}",
    # Quotas of models have their name in one family, all others in the other.
    "quota_name": lookup(
        "bedrock_service_quota_info{%s}", QUOTA_CODE, 'label "quota_name"',
        lookup("bedrock_quota_info{%s}", QUOTA_CODE, 'label "quota_name"', "quota {{ $labels.quota_code }}"),
    ),
    "ceiling": lookup("max(bedrock_quota_throttled_utilization_ratio{%s})", MODEL, "value | humanizePercentage"),
}


def fill(text, parts):
    known = COMMON | parts
    return re.sub(r"<(\w+)>", lambda m: known.get(m[1]) or f"{{{{ $labels.{m[1]} }}}}", text)


def links(values, name, dashboard, labels):
    """runbook_url and dashboard_url; the link carries whichever of the dashboards' variables the alert has."""
    variables = {"account_id": "account", "region": "region", "scope": "scope", "model": "model"}
    chosen = [f"var-{variables[label]}={{{{ $labels.{label} | urlquery }}}}" for label in variables if label in labels]
    uid = values["links"]["dashboards"][dashboard]
    return {
        "runbook_url": f"{values['links']['runbooks']}/{quote(name)}.md",
        "dashboard_url": f"{values['links']['grafana']}/d/{uid}" + ("?" + "&".join(chosen) if chosen else ""),
    }
