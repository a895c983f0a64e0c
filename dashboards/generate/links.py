"""Ways from one dashboard to another, each with the variables that the other one understands."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as model

TITLES = {"overview": "Quota overview", "model": "Model", "capacity": "Capacity", "fleet": "Fleet",
          "exporter": "Exporter"}

SOURCE = ("datasource", "job", "instance")
PLACE = ("account", "region")
# What each dashboard hands on, and what it takes. Its one model narrows Bedrock / Model only, so the way back is the
# whole picture again; and it has no "All" that it could be handed.
GIVES = {"overview": PLACE + ("scope", "model"), "capacity": PLACE + ("scope", "model"), "fleet": PLACE + ("scope", "model"),
         "exporter": PLACE, "model": ()}
TAKES = {"overview": PLACE + ("scope", "model"), "capacity": PLACE + ("scope", "model"), "fleet": PLACE + ("scope", "model"),
         "exporter": PLACE, "model": PLACE + ("scope",)}


@dataclass
class Link:
    title: str
    url: str


def across(values, name):
    """The links at the top of a dashboard."""
    for other, title in TITLES.items():
        if other != name:
            given = [each for each in GIVES[name] if each in TAKES[other]]
            yield (dashboard.DashboardLink(title).type(model.DashboardLinkType.LINK).icon("dashboard")
                   .url(_url(values, other, given)).keep_time(True).include_vars(False).target_blank(False))


def row_to_model(values):
    """From a table's row to the page of its model."""
    return Link("Bedrock / Model", _row(values, "model", account="Account", region="Region", model="Model"))


def row_to_overview(values):
    return Link("Bedrock / Quota overview", _row(values, "overview", account="Account", region="Region"))


def _row(values, other, **columns):
    chosen = "".join(f"&var-{name}=${{__data.fields.{column}}}" for name, column in columns.items())
    return _url(values, other) + "&${__url_time_range}" + chosen


def _url(values, other, given=()):
    return f"/d/{values.uids[other]}?" + "&".join(f"${{{name}:queryparam}}" for name in (*SOURCE, *given))
