"""What all dashboards share: variables, defaults, annotations, and the final JSON."""

import json
from pathlib import Path

import yaml
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

import links
from panels import DATASOURCE
from promql import SPENT, USED, aggregate, busiest, one, series

REPOSITORY = Path(__file__).resolve().parents[2]
TAG = "bedrock-quota-exporter"
SCHEMA_VERSION = 39
# What newer Grafanas migrate the panels' options from.
PLUGIN_VERSION = "10.4.0"

# Written by the builders for other kinds of variables and panels.
NEEDLESS = {"auto", "auto_count", "auto_min", "repeatDirection", "skipUrlSync"}


# What tells limits apart in an annotation's text.
ANNOTATED = ("account_id", "region", "model", "scope", "quota")


class Values:
    """The alerts' thresholds, so that a line on a panel is the line an alert fires at."""

    def __init__(self, path):
        values = yaml.safe_load(Path(path).read_text())
        self.uids = values["links"]["dashboards"]
        self.near_limit = values["near_limit"]["ratio"]
        self.throttle_ratio = values["throttling"]["ratio"]
        self.throttled_seconds = values["throttling"]["throttled_seconds"]
        self.reservation_ceiling = values["many_models"]["ceiling"]
        self.zero_quota_attempts = values["zero_quota"]["attempts"]
        self.unmapped_minutes = values["unmapped"]["minutes"]
        self.lowered_hours = values["quota_lowered"]["hours"]
        self.stale_seconds = values["data_stale"]["seconds"]
        self.commitment_days = values["provisioned_commitment"]["days"]
        self.end_of_life_days = values["end_of_life"]["days"]
        self.request_days = values["increase_request"]["days"]
        self.late_intervals = values["target_down"]["intervals"]
        timing = values["timing"]
        delay = timing["publishing_delay_seconds"] + timing["cadence_seconds"]
        self.healthy_minutes = (delay + timing["normal_cadence_seconds"]) // 60
        self.healthy_idle_minutes = (delay + timing["idle_cadence_seconds"]) // 60
        self.region_blind = values["region_blind"]["share"]


def query_variable(name, label, query, *, kind=1, multi=True, regex=None, ordered=False, hidden=False):
    """`kind` is Grafana's qryType: 1 label_values, 3 query_result. `ordered` keeps the order of the query."""
    variable = (dashboard.QueryVariable(name).label(label).datasource(DATASOURCE)
                .query({"query": query, "refId": name, "qryType": kind})
                .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
                .sort(model.VariableSort.DISABLED if ordered else model.VariableSort.ALPHABETICAL_ASC)
                .multi(multi).include_all(multi))
    if multi:
        # Of a hidden one "All" is just what it lists.
        if not hidden:
            variable.all_value(".+" if name in ("job", "instance") else ".*")
        variable.current(model.VariableOption(text=["All"], value=["$__all"]))
    if regex:
        variable.regex(regex)
    if hidden:
        variable.hide(model.VariableHide.HIDE_VARIABLE)
    return variable


def label_values(selector, label):
    return f"label_values({selector}, {label})"


def variables(*, models=True, one_model=False, used=False, spent=False):
    """job → instance → account → region → scope → model, each narrowed by those before it.

    Hidden ones: `used` adds those of the chosen models that are called, `spent` the codes of those quotas of which
    anything was spent in the time shown.
    """
    ids = one("bedrock_account_info", ignore=("account_id",))
    targets = one("bedrock_exporter_target_up", ("account_id",), ignore=("account_id", "region"))
    made = [
        dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"),
        query_variable("job", "Job", "label_values(bedrock_exporter_build_info, job)"),
        query_variable("instance", "Instance", 'label_values(bedrock_exporter_build_info{job=~"$job"}, instance)'),
        # Shows the name, holds the id; accounts without a name show the id.
        query_variable("account", "Account", f"query_result({ids} or on (account_id) {targets})", kind=3,
                       regex=r'/account_id="(?<value>[^"]+)"(?:.*account_name="(?<text>[^"]+)")?/'),
        query_variable("region", "Region",
                       label_values(series("bedrock_exporter_target_up", ignore=("region",)), "region")),
    ]
    if models:
        made.append(query_variable(
            "scope", "Scope", label_values(series("bedrock_quota_state", ignore=("scope", "model")), "scope")))
        made.append(fullest_first() if one_model else query_variable(
            "model", "Model", label_values(series("bedrock_quota_state", ignore=("model",)), "model")))
    if used:
        made.append(query_variable("used", "Models called", label_values(series("bedrock_invocations_total"), "model"),
                                   hidden=True))
    if spent:
        codes = busiest("bedrock_quota_utilization_peak_ratio", ("quota_code",))
        made.append(query_variable("spent", "Quotas spent", f"query_result({codes} > 0)", kind=3, hidden=True,
                                   regex='/quota_code="(?<value>[^"]+)"/'))
    return made


def fullest_first():
    """One model; without a choice it is the one whose quota is fullest, or was, of an exporter that is gone."""
    ratio = series("bedrock_quota_utilization_peak_ratio", ignore=("model",))
    ratio = aggregate("max", ("model",), f"last_over_time({ratio}[$__range])")
    listed = aggregate("max", ("model",), series("bedrock_quota_state", ignore=("model",)))
    return query_variable("model", "Model", f"query_result(sort_desc({ratio} or 0 * {listed}))", kind=3, multi=False,
                          regex='/model="(?<value>[^"]+)"/', ordered=True)


def new(values, name, title, description, *, since, refresh, given_variables):
    made = (dashboard.Dashboard(title).uid(values.uids[name]).description(description).tags([TAG, "bedrock"])
            .readonly().timezone("browser").time(since, "now").refresh(refresh)
            .tooltip(model.DashboardCursorSync.CROSSHAIR))
    for variable in given_variables:
        made.with_variable(variable)
    for link in links.across(values, name):
        made.link(link)
    return made


def add_row(made, title, panels, *, collapsed=False, repeat=None):
    """Collapsed rows hold their panels, open ones are followed by them."""
    row = dashboard.Row(title).collapsed(collapsed)
    if repeat:
        row.repeat(repeat)
    if collapsed:
        for panel in panels:
            row.with_panel(panel)
    made.with_row(row)
    if not collapsed:
        for panel in panels:
            made.with_panel(panel)


def render(made):
    """The dashboard as the JSON text that is checked in."""
    tree = json.loads(JSONEncoder(sort_keys=True).encode(made.build()))
    tree["schemaVersion"] = SCHEMA_VERSION
    tree["annotations"] = {"list": annotations(tree)}
    tree["version"] = 1
    tree = _without(tree, NEEDLESS)
    number = 0
    for panel in tree["panels"]:
        for each in [panel, *panel.get("panels", [])]:
            number += 1
            each["id"] = number
            if each["type"] != "row":
                each["pluginVersion"] = PLUGIN_VERSION
    return json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def annotations(tree):
    """Marks on every graph: what changed beside the usage."""
    names = {variable["name"] for variable in tree["templating"]["list"]}
    # Each step looks a little over one far, so that no change falls between two. Weeks are looked at in large steps, each
    # of them ahead: Prometheus is asked up to the last whole one.
    weeks = "spent" in names
    window = "[365m] offset -6h" if weeks else "[$__rate_interval]"
    limit = series("bedrock_quota_limit", **(SPENT if weeks else USED if "used" in names else {}))
    changes = aggregate("max", ANNOTATED, f"changes({limit}{window})")
    started = aggregate("max", ("instance",), series("process_start_time_seconds"))
    marks = [annotation("Exporter restarted", f"{started} * 1000", "blue", "{{instance}} restarted", at_value=True)]
    if "model" in names:
        marks.insert(0, annotation(
            "Limit changed", f"{changes} > 0", "purple",
            "Limit changed: {{model}} {{scope}} {{quota}}, {{region}}, account {{account_id}}",
            step="6h" if weeks else "1m"))
    return marks


def annotation(name, expr, color, text, *, at_value=False, step="1m"):
    """`at_value`: the value is the moment, in milliseconds."""
    return {"name": name, "datasource": {"type": "prometheus", "uid": "${datasource}"}, "enable": True, "hide": False,
            "iconColor": color, "expr": expr, "step": step, "titleFormat": text, "textFormat": "", "tagKeys": "",
            "useValueForTime": at_value}


def _without(node, keys):
    if isinstance(node, dict):
        return {k: _without(v, keys) for k, v in node.items() if k not in keys}
    if isinstance(node, list):
        return [_without(v, keys) for v in node]
    return node
