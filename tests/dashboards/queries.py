"""Runs every query of every panel and variable against a Prometheus, as Grafana would send them.

    python tests/dashboards/queries.py --url http://127.0.0.1:9090

Prints the queries without an answer and ends with 1 if there are any beside those in
tests/dashboards/allowed-empty.yaml, which holds at most three, each with its reason.
"""

import argparse
import json
import re
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
DASHBOARDS = HERE.parents[1] / "dashboards"
ALLOWED = HERE / "allowed-empty.yaml"
MOST_ALLOWED = 3

SCRAPE_INTERVAL = 15          # seconds; what Grafana takes a Prometheus data source for if not told
POINTS = 1000                 # width of a panel, in points
AS_ASKED = 0                  # the order of a variable's values: not sorted
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def load(directory=DASHBOARDS):
    return [json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))]


def panels(dashboard):
    """Every panel with the row it stands in, rows aside."""
    row = None
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            row = panel
            yield from ((inner, panel) for inner in panel.get("panels", []))
        else:
            yield panel, row


def variables(dashboard, kind="query"):
    return [v for v in dashboard["templating"]["list"] if v["type"] == kind]


def duration(text):
    return int(text[:-1]) * UNITS[text[-1]]


def span(dashboard):
    """Seconds that it shows when it opens."""
    return duration(dashboard["time"]["from"].removeprefix("now-"))


class Prometheus:
    def __init__(self, url, now=None):
        self.url = url.rstrip("/")
        self.now = now or int(time.time())

    def _get(self, path, **params):
        request = f"{self.url}/api/v1/{path}"
        try:
            with urllib.request.urlopen(request, urllib.parse.urlencode(params).encode(), timeout=120) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise QueryFailed(json.load(error).get("error", str(error))) from error

    def instant(self, expr):
        return self._get("query", query=expr, time=self.now)["result"]

    def range(self, expr, seconds, step):
        end = self.now // step * step
        return self._get("query_range", query=expr, start=end - seconds // step * step, end=end, step=step)["result"]

    def series(self, selector, seconds):
        return self._get("series", **{"match[]": selector, "start": self.now - seconds, "end": self.now})


class QueryFailed(Exception):
    pass


@dataclass
class Answer:
    dashboard: str
    panel: str
    ref: str
    expr: str
    rows: list
    error: str = None

    @property
    def name(self):
        return f"{self.dashboard} / {self.panel} / {self.ref}"


def interpolate(text, values, *, seconds, step, rate_interval):
    """`values` maps a variable to the text Grafana puts in its place."""
    builtin = {"__range": f"{seconds}s", "__interval": f"{step}s", "__rate_interval": f"{rate_interval}s"}
    known = builtin | values
    return re.sub(r"\$\{?([A-Za-z_]\w*)\}?", lambda m: known[m.group(1)], text)


def all_or_one(variable, options):
    """What opens first: All where there is one, else the first option."""
    if not variable["includeAll"]:
        return options[0] if options else ""
    if "allValue" in variable:
        return variable["allValue"]
    # Every option, escaped for a regular expression within a PromQL string.
    return "(" + "|".join(re.sub(r"([][$^*{}'+?.()|\\])", r"\\\\\1", option) for option in options) + ")"


class Page:
    """A dashboard opened on a Prometheus, nothing chosen yet."""

    def __init__(self, dashboard, prometheus):
        self.dashboard, self.prometheus = dashboard, prometheus
        self.seconds = span(dashboard)
        self.values, self.options, self.answers = {}, {}, []
        for variable in variables(dashboard):
            self.options[variable["name"]] = self._options(variable)
            self.values[variable["name"]] = all_or_one(variable, self.options[variable["name"]])

    def _options(self, variable):
        query = self._text(variable["query"]["query"])
        function, argument = re.fullmatch(r"(\w+)\((.*)\)", query).groups()
        if function == "label_values":
            selector, label = argument.rsplit(", ", 1)
            found = [series[label] for series in self.prometheus.series(selector, self.seconds) if label in series]
        else:
            # As Grafana spells a sample before the variable's regex is applied.
            texts = ["{" + ",".join(f'{k}="{v}"' for k, v in row["metric"].items()) + "} 1 1"
                     for row in self.prometheus.instant(argument)]
            pattern = variable["regex"].strip("/").replace("(?<", "(?P<")
            found = [re.search(pattern, text).group("value") for text in texts]
        options = list(dict.fromkeys(found if variable["sort"] == AS_ASKED else sorted(found)))
        self.answers.append(Answer(self.dashboard["title"], "variable", variable["name"], query, options))
        return options

    def _text(self, expr, step=SCRAPE_INTERVAL, chosen=None, least=SCRAPE_INTERVAL):
        """`least` is the query's own smallest step, from which Grafana computes the window of rates."""
        return interpolate(expr, self.values | (chosen or {}), seconds=self.seconds, step=step,
                           rate_interval=max(step + least, 4 * least))

    def ask(self, target, chosen=None):
        """The rows of one query; `chosen` overrides variables."""
        if target.get("instant"):
            expr = self._text(target["expr"], chosen=chosen)
            return expr, self.prometheus.instant(expr)
        least = duration(target["interval"])
        step = max(least, -(-self.seconds // POINTS // least) * least)
        expr = self._text(target["expr"], step, chosen, least)
        return expr, self.prometheus.range(expr, self.seconds, step)

    def choices(self, row):
        """What a reader would choose until there is an answer: each value of what holds one at a time."""
        single = [v["name"] for v in variables(self.dashboard) if not v["multi"]]
        if row and row.get("repeat"):
            single.append(row["repeat"])
        choices = [{}]
        for name in single:
            choices = [each | {name: value} for each in choices for value in self.options[name]]
        return choices

    def links(self):
        """(where it stands, URL, the values of a row's fields)."""
        for link in self.dashboard["links"]:
            yield link["title"], link["url"], {}
        for panel, _ in panels(self.dashboard):
            for column in panel["fieldConfig"]["overrides"]:
                for link in next((p["value"] for p in column["properties"] if p["id"] == "links"), []):
                    for row in self._rows(panel):
                        yield panel["title"], link["url"], row

    def _rows(self, panel):
        """What a table's rows hold, by the titles of their columns; each place once."""
        renamed = next(t["options"]["renameByName"] for t in panel["transformations"] if t["id"] == "organize")
        linked = {name: title for name, title in renamed.items() if title in ("Account", "Region", "Model")}
        found = {tuple((title, row["metric"][name]) for name, title in linked.items())
                 for target in panel["targets"] for row in self.ask(target)[1] if linked.keys() <= row["metric"].keys()}
        return [dict(row) for row in sorted(found)]

    def handed(self, url, row):
        """The variables that a link sets, as Grafana puts them into the URL."""
        for name in re.findall(r"\$\{(\w+):queryparam\}", url):
            if name in self.values:
                yield name, self.values[name]
        for name, title in re.findall(r"var-(\w+)=\$\{__data\.fields\.(\w+)\}", url):
            yield name, row[title]

    def empty(self, chosen):
        """The panels at the top of the page that show nothing, if all do but those about the exporter itself."""
        mine = {name: value for name, value in chosen.items() if name in self.values}
        top = [p for p in self.dashboard["panels"] if p["type"] not in ("row", "stat") and p.get("targets")]
        answered = [p["title"] for p in top if any(self.ask(t, mine)[1] for t in p["targets"])]
        return [] if answered else ["no panel answers"]

    def check(self):
        for panel, row in panels(self.dashboard):
            for target in panel["targets"]:
                expr, rows, error = target["expr"], [], None
                for chosen in self.choices(row):
                    try:
                        expr, rows = self.ask(target, chosen)
                    except QueryFailed as failure:
                        error = str(failure)
                    if rows or error:
                        break
                self.answers.append(
                    Answer(self.dashboard["title"], panel["title"], target["refId"], expr, rows, error))
        self.answers += map(self._annotation, self.dashboard["annotations"]["list"])
        return self.answers

    def _annotation(self, annotation):
        try:
            expr, rows = self.ask({"expr": annotation["expr"], "interval": annotation["step"]})
        except QueryFailed as failure:
            return Answer(self.dashboard["title"], "annotation", annotation["name"], annotation["expr"], [], str(failure))
        return Answer(self.dashboard["title"], "annotation", annotation["name"], expr, rows)


def check(prometheus, dashboards=None):
    return [answer for dashboard in dashboards or load() for answer in Page(dashboard, prometheus).check()]


def broken_links(prometheus, dashboards=None):
    """Every link of every dashboard, followed as a reader would who has chosen nothing: where it opens a page without data.

    A table's link is followed from each of its rows.
    """
    pages = {d["uid"]: Page(d, prometheus) for d in dashboards or load()}
    broken = []
    for page in pages.values():
        for source, url, values in page.links():
            uid, handed = url.split("?")[0].removeprefix("/d/"), dict(page.handed(url, values))
            empty = pages[uid].empty(handed) if uid in pages else ["no such dashboard"]
            broken += [f"{page.dashboard['title']} / {source} → {uid} {handed}: {each}" for each in empty]
    return broken


def allowed():
    """Name → reason."""
    entries = yaml.safe_load(ALLOWED.read_text()) or {}
    if len(entries) > MOST_ALLOWED:
        raise SystemExit(f"{ALLOWED}: {len(entries)} entries, at most {MOST_ALLOWED} are allowed")
    return entries


def main():
    parser = argparse.ArgumentParser(description="Run every query of the dashboards against a Prometheus.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--dashboards", type=Path, default=DASHBOARDS)
    arguments = parser.parse_args()
    answers = check(Prometheus(arguments.url), load(arguments.dashboards))
    excused = allowed()
    empty = [a for a in answers if not a.rows]
    for answer in empty:
        print(f"{answer.name}: {answer.error or excused.get(answer.name) or 'no data'}\n    {answer.expr}")
    bad = [a for a in empty if a.error or a.name not in excused]
    print(f"{len(answers) - len(bad)} passed, {len(bad)} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
