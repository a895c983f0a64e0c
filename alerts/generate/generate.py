"""What is written: the rule files, the Alertmanager example and the tables of docs/ALERTS.md, from values.yaml."""

import math
import re
from pathlib import Path

import yaml
from rules import alertmanager, exporter, planning, quotas, recording, throttling
from rules.text import fill, links

HERE = Path(__file__).resolve().parent
ALERTS = HERE.parent
DOCS = ALERTS.parent / "docs" / "ALERTS.md"
FILES = {
    "bedrock-quotas.yaml": {"throttling": throttling.alerts, "quotas": quotas.alerts, "planning": planning.alerts},
    "bedrock-exporter.yaml": {"exporter": exporter.alerts},
    "bedrock-recording.yaml": {"recording": lambda values: recording.rules()},
}
URLS = {"pages": "https://pager.example.com/bedrock", "tickets": "https://tickets.example.com/bedrock"}
EXAMPLE = "alertmanager/example.yaml"
HEADER = "# Written by alerts/generate from its values.yaml; change those. See docs/ALERTS.md.\n"


def seconds(duration):
    """Prometheus's notation, one unit: 90m."""
    amount, unit = re.fullmatch(r"(\d+)(s|m|h|d)", duration).groups()
    return int(amount) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def scaler(factor):
    """Shortens a duration, to whole seconds and never below one; 0s stays."""

    def scale(duration):
        if factor == 1 or seconds(duration) == 0:
            return duration
        return f"{max(1, math.ceil(seconds(duration) * factor))}s"

    return scale


def rule_files(values, scale=scaler(1)):
    """File name → content."""
    return {
        name: {
            "groups": [
                group(f"bedrock-{key}", values["groups"][key], rules(values), values, scale)
                for key, rules in groups.items()
            ]
        }
        for name, groups in FILES.items()
    }


def group(name, interval, rules, values, scale):
    return {
        "name": name,
        "interval": scale(interval),
        "rules": [rule if "record" in rule else alert_rule(rule, values, scale) for rule in rules],
    }


def alert_rule(alert, values, scale):
    timing, parts = {}, alert.get("parts", {})
    if seconds(alert["values"]["for"]):
        timing["for"] = scale(alert["values"]["for"])
    if "keep_firing_for" in alert["values"]:
        timing["keep_firing_for"] = alert["values"]["keep_firing_for"]
    return {
        "alert": alert["alert"],
        "expr": alert["expr"],
        **timing,
        "labels": {"severity": alert["severity"]},
        "annotations": {
            "summary": fill(alert["summary"], parts),
            "description": fill(alert["description"], parts),
            **links(values, alert["alert"], alert["dashboard"], alert["labels"].split(", ")),
        },
    }


def delay(values):
    """What lies between the first refused call of a lasting storm and its page, at worst, in seconds."""
    timing, page = values["timing"], values["alertmanager"]["page"]
    return {
        "throttled minutes must pass": values["throttling"]["throttled_seconds"],
        "CloudWatch publishes them (`usage.delay`)": timing["publishing_delay_seconds"],
        "until the next usage round": timing["cadence_seconds"],
        "the round and its rendering": timing["collection_seconds"],
        "until the next scrape": timing["scrape_seconds"],
        "until the next evaluation": seconds(values["groups"]["throttling"]),
        "`for`": seconds(values["throttling"]["for"]),
        "Alertmanager's `group_wait`": seconds(page["group_wait"]),
    }


def delay_table(values):
    parts = delay(values)
    rows = [f"| {what} | {s} |" for what, s in parts.items()]
    return "\n".join(
        ["| what | at most, seconds |", "|---|---:|", *rows, f"| **together** | **{sum(parts.values())}** |"]
    )


def alert_table(values):
    rows = [
        f"| [{rule['alert']}](runbooks/{rule['alert']}.md) | {rule['labels']['severity']} "
        f"| {g['name']}, {g['interval']} | {rule.get('for', '0s')} |"
        for content in rule_files(values).values()
        for g in content["groups"]
        for rule in g["rules"]
        if "alert" in rule
    ]
    return "\n".join(["| alert | severity | group, evaluated every | for |", "|---|---|---|---|", *rows])


def docs(text, values):
    for name, table in {"alerts": alert_table(values), "delay": delay_table(values)}.items():
        text, found = re.subn(
            f"(<!-- {name}:[^>]*-->\n).*?(<!-- end -->)",
            lambda m, table=table: f"{m[1]}{table}\n{m[2]}",
            text,
            flags=re.S,
        )
        assert found == 1, f"docs/ALERTS.md: expected one block <!-- {name}: … --> … <!-- end -->"
    return text


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def render(content):
    return HEADER + yaml.dump(content, Dumper=Dumper, sort_keys=False, width=math.inf, allow_unicode=True)


def outputs(values, factor=1, urls=URLS):
    """Path → text, all that belongs into the alerts folder."""
    scale = scaler(factor)
    contents = rule_files(values, scale) | {EXAMPLE: alertmanager.config(values, scale, urls)}
    return {name: render(content) for name, content in contents.items()}


def write(folder, values, factor=1, urls=URLS):
    for path, text in outputs(values, factor, urls).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
