"""The alerts with marks in place of their thresholds, for the chart to fill in.

A mark is `<<PATH*FACTOR/DIVISOR>>`: the value at PATH of alerts/generate/values.yaml, in the unit that the text speaks of.
"""

import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "alerts" / "generate"))
import generate  # noqa: E402

# Not for the chart: how dashboards are called, Alertmanager's waits, and what other numbers are computed from.
KEPT = {"links.dashboards", "alertmanager", "timing"}


class Number:
    """Stands for a number and does the few sums that texts need."""

    def __init__(self, path, factor=1, divisor=1):
        self.path, self.factor, self.divisor = path, factor, divisor

    def __mul__(self, factor):
        return Number(self.path, self.factor * factor, self.divisor)

    def __floordiv__(self, divisor):
        return Number(self.path, self.factor, self.divisor * divisor)

    def __format__(self, _):
        return f"<<{self.path}*{self.factor}/{self.divisor}>>"

    def __str__(self):
        return format(self)


class Group(dict):
    """The values of one alert, which know where they are."""

    def __init__(self, path, values):
        super().__init__(values)
        self.path = path


def marked(values, path=""):
    """The values with marks for leaves; `for` stays what it is, since it decides whether a rule has it."""
    if path in KEPT:
        return values
    if isinstance(values, dict):
        at = {key: f"{path}.{key}" if path else key for key in values}
        return Group(path, {key: v if key == "for" else marked(v, at[key]) for key, v in values.items()})
    return f"<<{path}>>" if isinstance(values, str) else Number(path)


def files():
    """File name → text."""
    values = marked(yaml.safe_load((generate.HERE / "values.yaml").read_text()))
    return {name: text(groups, values) for name, groups in generate.FILES.items()}


def text(groups, values):
    written = [
        {
            "name": f"bedrock-{name}",
            "interval": values["groups"][name],
            "rules": [rule(made, values) for made in rules(values)],
        }
        for name, rules in groups.items()
    ]
    content = yaml.dump({"groups": written}, Dumper=generate.Dumper, sort_keys=False, width=float("inf"), allow_unicode=True)
    return "# Written by deploy/helm/generate from alerts/generate. The chart fills in the marks.\n" + content


def rule(made, values):
    if "record" in made:
        return made
    whole = generate.alert_rule(made, values, generate.scaler(1))
    waits = {"for": f"<<{made['values'].path}.for>>"}
    # In its usual place, behind the expression.
    return {"alert": whole.pop("alert"), "expr": whole.pop("expr"), **waits, **{k: v for k, v in whole.items() if k != "for"}}
