"""What all four dashboards share: variables, links, defaults, and the final JSON."""

import json
from pathlib import Path

import yaml
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from panels import DATASOURCE
from promql import one, series

REPOSITORY = Path(__file__).resolve().parents[2]
TAG = "bedrock-quota-exporter"
SCHEMA_VERSION = 39
# What newer Grafanas migrate the panels' options from.
PLUGIN_VERSION = "10.4.0"

# Written by the builders for other kinds of variables and panels.
NEEDLESS = {"auto", "auto_count", "auto_min", "repeatDirection", "skipUrlSync"}


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
        self.daily_running_out = values["daily"]["running_out"]
        self.region_blind = values["region_blind"]["share"]


def query_variable(name, label, query, *, kind=1, multi=True, regex=None):
    """`kind` is Grafana's qryType: 1 label_values, 3 query_result."""
    variable = (dashboard.QueryVariable(name).label(label).datasource(DATASOURCE)
                .query({"query": query, "refId": name, "qryType": kind})
                .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
                .sort(model.VariableSort.ALPHABETICAL_ASC).multi(multi).include_all(multi))
    if multi:
        if name != "used":
            variable.all_value(".+" if name in ("job", "instance") else ".*")
        variable.current(model.VariableOption(text=["All"], value=["$__all"]))
    if regex:
        variable.regex(regex)
    return variable


def label_values(selector, label):
    return f"label_values({selector}, {label})"


def variables(*, models=True, one_model=False, used=False):
    """job → instance → account → region → scope → model, each narrowed by those before it.

    `used` adds a hidden one: those of the chosen models that are called.
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
        made += [
            query_variable("scope", "Scope",
                           label_values(series("bedrock_quota_state", ignore=("scope", "model")), "scope")),
            query_variable("model", "Model",
                           label_values(series("bedrock_quota_state", ignore=("model",)), "model"),
                           multi=not one_model),
        ]
    if used:
        made.append(query_variable("used", "Models called", label_values(series("bedrock_invocations_total"), "model"))
                    .hide(model.VariableHide.HIDE_VARIABLE))
    return made


def new(uid, title, description, *, since, refresh, given_variables):
    made = (dashboard.Dashboard(title).uid(uid).description(description).tags([TAG, "bedrock"])
            .readonly().timezone("browser").time(since, "now").refresh(refresh)
            .tooltip(model.DashboardCursorSync.CROSSHAIR)
            .link(dashboard.DashboardLink("Bedrock").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
                  .icon("external link").as_dropdown(False).target_blank(False)
                  .include_vars(True).keep_time(True)))
    for variable in given_variables:
        made.with_variable(variable)
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


def link_to_model(values):
    """A link from a table's row to the model's page, time and variables kept."""
    return (f"/d/{values.uids['model']}?${{__url_time_range}}&${{datasource:queryparam}}&${{job:queryparam}}"
            "&${instance:queryparam}&var-account=${__data.fields.Account}&var-region=${__data.fields.Region}"
            "&var-model=${__data.fields.Model}")


def render(made):
    """The dashboard as the JSON text that is checked in."""
    tree = json.loads(JSONEncoder(sort_keys=True).encode(made.build()))
    tree["schemaVersion"] = SCHEMA_VERSION
    tree["annotations"] = {"list": []}
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


def _without(node, keys):
    if isinstance(node, dict):
        return {k: _without(v, keys) for k, v in node.items() if k not in keys}
    if isinstance(node, list):
        return [_without(v, keys) for v in node]
    return node
