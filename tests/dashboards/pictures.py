"""Every dashboard in Grafana's own front end: a picture of each, and what is wrong with it.

    python tests/dashboards/pictures.py FOLDER PROMETHEUS_URL [--out FOLDER] [--width 1280] [--theme light] [--since 14d]

FOLDER holds Grafana's `public/`, PROMETHEUS_URL is a Prometheus that scrapes the exporter or the demo. Collapsed rows
are open. What has an answer on the demo must show it: a panel without data counts as wrong.
"""

import argparse
import copy
import html
import json
import re
import sys
import tempfile
from pathlib import Path

import browser
import front_end
import queries

ROW_PIXELS = 38             # of Grafana's grid, gaps included
HEAD_PIXELS = 300           # variables and links, on a narrow page
NO_DATA = "No data"         # what Grafana says by itself; the panels' own words say more
ERROR = 'data-testid="data-testid Panel status error"'


def opened(dashboard):
    """The same dashboard with its rows open."""
    made = copy.deepcopy(dashboard)
    made["panels"], bottom = [], 0
    for panel in copy.deepcopy(dashboard["panels"]):
        inner, panel["panels"] = panel.get("panels", []), []
        if panel["type"] == "row":
            panel.update(collapsed=False, gridPos=panel["gridPos"] | {"y": bottom})
            moved = bottom + 1 - min((each["gridPos"]["y"] for each in inner), default=0)
        made["panels"] += [panel, *inner]
        for each in inner:
            each["gridPos"]["y"] += moved
        bottom = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in made["panels"])
    return made


def height(dashboard, width):
    """Pixels; on a phone the panels stand one below the other."""
    panels = [each for each in dashboard["panels"] if "gridPos" in each]
    if width < 700:
        return HEAD_PIXELS + ROW_PIXELS * sum(each["gridPos"]["h"] for each in panels)
    return HEAD_PIXELS + ROW_PIXELS * max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels)


def look(url, dashboard, *, width=1280, picture=None, **chosen):
    """What is wrong with a dashboard, in words; `chosen` goes into its address."""
    query = "".join(f"&{name}={value}" for name, value in chosen.items())
    shown = browser.show(f"{url}/d/{dashboard['uid']}/x?kiosk{query}", width=width,
                         height=height(dashboard, width), picture=picture)
    wrong = [f"on the console: {each}" for each in shown.complaints]
    titles = re.findall(r'data-testid="data-testid Panel header ([^"]*)"', shown.text)
    missing = {panel["title"] for panel, _ in queries.panels(dashboard) if "$" not in panel["title"]} - {
        html.unescape(each) for each in titles}
    wrong += [f"not drawn: {each}" for each in sorted(missing)]
    if NO_DATA in browser.texts(shown.text):
        wrong.append("a panel without data")
    if ERROR in shown.text:
        wrong.append("a panel with an error")
    cut = re.search(r'data-cut="([^"]*)"', shown.text)
    wrong += [f"cut off: {each}" for each in json.loads(html.unescape(cut[1]))] if cut else ["nothing was drawn"]
    return wrong


def main():
    parser = argparse.ArgumentParser(description="Take a picture of every dashboard, and say what is wrong.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("prometheus")
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--theme", choices=("dark", "light"), default="dark")
    parser.add_argument("--since", default="6h")
    arguments = parser.parse_args()
    dashboards = [opened(each) for each in queries.load()]
    failed = 0
    with front_end.served(front_end.FrontEnd(arguments.folder, dashboards, arguments.prometheus)) as url:
        for dashboard in dashboards:
            picture = arguments.out / f"{dashboard['uid']}-{arguments.width}-{arguments.theme}.png"
            wrong = look(url, dashboard, width=arguments.width, picture=picture, theme=arguments.theme,
                         **{"from": f"now-{arguments.since}", "to": "now"})
            print(picture, *wrong, sep="\n    ")
            failed += bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
