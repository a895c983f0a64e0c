"""A stand-in for Grafana's server: it serves Grafana's own front end, and answers the few calls that a dashboard makes.

    python tests/dashboards/front_end.py FOLDER PROMETHEUS_URL [--port PORT] [--dashboards FOLDER]

FOLDER holds Grafana's `public/` (/usr/share/grafana where the package is installed). Then open /d/UID, with
?theme=light for light and ?kiosk for the dashboard alone. What it shows is what Grafana shows of JSON, variables,
transformations, mappings, units, thresholds, links and layout; rates have the window that Grafana's back end computes.
"""

import argparse
import contextlib
import json
import mimetypes
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import queries

HERE = Path(__file__).resolve().parent
SOURCE = "prom"
# Grafana's own, without which annotations and panels of several sources complain.
OWN_SOURCES = {"grafana": "-- Grafana --", "-- Mixed --": "-- Mixed --", "-- Dashboard --": "-- Dashboard --"}
SCRAPE_SECONDS = 60
MOST_POINTS = 11_000
RESOURCES = re.compile(r"/api/datasources/(?:(?:uid/[^/]+|\d+)/resources|proxy/(?:uid/)?[^/]+)(/api/v1/.*)")
LISTS = ("/api/annotations", "/api/folders", "/api/plugins", "/api/datasources", "/api/user/orgs", "/api/search",
         "/api/dashboards/tags", "/api/alerts", "/api/teams")
# What is cut off, for the tests to read: nothing else of the layout is in the markup.
MEASURE = """setInterval(() => {
  const cut = [...document.querySelectorAll('[data-testid^="data-testid Panel header"] h2, [role=columnheader] *')]
    .filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth && each.textContent);
  document.documentElement.dataset.cut = JSON.stringify([...new Set(cut.map(each => each.textContent))]);
}, 1000);"""


class FrontEnd:
    """`dashboards` are as loaded from JSON."""

    def __init__(self, folder, dashboards, prometheus):
        self.public = Path(folder).resolve() / "public"
        self.dashboards = {each["uid"]: each for each in dashboards}
        self.prometheus = prometheus.rstrip("/")
        self.settings = json.loads((HERE / "front_end.json").read_text())
        with contextlib.suppress(OSError):
            self.settings["buildInfo"]["version"] = (self.public.parent / "VERSION").read_text().strip()
        self.settings["panels"] = self._plugins("panel")
        plugins = self._plugins("datasource")
        self.settings["datasources"] = {"Prometheus": source(SOURCE, "Prometheus", plugins["prometheus"]) | {
            "isDefault": True, "jsonData": {"httpMethod": "POST", "timeInterval": f"{SCRAPE_SECONDS}s"}}}
        for uid, name in OWN_SOURCES.items():
            self.settings["datasources"][name] = source(uid, name, plugins[uid.removeprefix("-- ").removesuffix(" --").lower()])

    def _plugins(self, kind):
        found = {}
        for path in sorted(self.public.glob(f"app/plugins/{kind}/*/**/plugin.json")):
            plugin, name = json.loads(path.read_text()), path.relative_to(self.public).parts[3]
            base = f"public/app/plugins/{kind}/{name}"
            info = {"author": {"name": ""}, "links": [], "screenshots": [], "version": "", "updated": ""} | plugin["info"]
            logos = info.get("logos") or {"small": "", "large": ""}
            info["logos"] = {size: logo if logo.startswith("public") else f"{base}/{logo}" for size, logo in logos.items()}
            found[plugin["id"]] = plugin | {
                "info": info, "module": f"core:plugin/{name}", "baseUrl": base, "signature": "internal", "sort": 100,
                "hideFromList": False, "skipDataQuery": plugin.get("skipDataQuery", False), "aliasIDs": [],
                "angular": {"detected": False, "hideDeprecation": False}, "loadingStrategy": "fetch"}
        return found

    def index(self, theme):
        entries = json.loads((self.public / "build/assets-manifest.json").read_text())["entrypoints"]
        scripts, styles = entries["app"]["assets"]["js"], entries["app"]["assets"].get("css", [])
        sheets = {each: entries[each]["assets"]["css"] for each in ("dark", "light")}
        user = self.settings["user"] | {"theme": theme, "lightTheme": theme == "light"}
        boot = {"user": user, "settings": self.settings, "navTree": [], "assets": {
            "contentDeliveryURL": "", "jsFiles": [{"filePath": each, "integrity": ""} for each in scripts], "cssFiles": [],
            "dark": sheets["dark"][0], "light": sheets["light"][0]}}
        data = json.dumps(boot).replace("</", "<\\/")
        links = "".join(f'<link rel="stylesheet" href="{each}">' for each in styles + sheets[theme])
        tags = "".join(f'<script src="{each}"></script>' for each in scripts)
        return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><base href="/"><title>Grafana</title>{links}'
                f'</head><body class="theme-{theme} app-grafana"><div id="reactRoot"></div><script>'
                f"window.grafanaBootData={data};window.__grafana_boot_data_promise=Promise.resolve();{MEASURE}</script>"
                f"{tags}</body></html>")

    def dashboard(self, uid):
        meta = {"type": "db", "slug": "x", "url": f"/d/{uid}/x", "version": 1, "folderUid": "", "folderTitle": "Bedrock",
                "provisioned": True, "canSave": False, "canEdit": False, "isFolder": False}
        return {"meta": meta, "dashboard": {"id": 1} | self.dashboards[uid]}

    def ask(self, path, parameters):
        """What Prometheus answers, refusals too."""
        try:
            with urllib.request.urlopen(f"{self.prometheus}{path}?{urllib.parse.urlencode(parameters, doseq=True)}") as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            return json.load(refusal)

    def answers(self, asked):
        """/api/ds/query"""
        begin, end = int(asked["from"]) // 1000, int(asked["to"]) // 1000
        return {"results": {each["refId"]: self._answer(each, begin, end) for each in asked["queries"]}}

    def _answer(self, query, begin, end):
        least = queries.duration(query.get("interval") or f"{SCRAPE_SECONDS}s")
        step = max(least, query.get("intervalMs", 0) // 1000, (end - begin) // MOST_POINTS + 1)
        expr = queries.interpolate(query.get("expr", ""), {}, seconds=end - begin, step=step,
                                   rate_interval=max(step + least, 4 * least))
        if not expr:
            return {"status": 200, "frames": []}
        if query.get("instant"):
            answer = self.ask("/api/v1/query", {"query": expr, "time": end})
        else:
            answer = self.ask("/api/v1/query_range", {
                "query": expr, "start": begin // step * step, "end": end // step * step, "step": step})
        if answer["status"] != "success":
            return {"status": 400, "frames": [], "error": answer["error"]}
        return {"status": 200, "frames": [frame(query, expr, step, row) for row in answer["data"]["result"]]}


def source(uid, name, plugin):
    return {"id": 1, "uid": uid, "name": name, "type": plugin["id"], "meta": plugin, "module": plugin["module"],
            "url": f"/api/datasources/proxy/uid/{uid}", "access": "proxy", "isDefault": False, "readOnly": True,
            "preload": False, "cachingConfig": {"enabled": False, "TTLMs": 0}, "jsonData": {}}


def frame(query, expr, step, row):
    """A series as Grafana's back end hands it to the front end."""
    labels, samples = row["metric"], row["values"] if "values" in row else [row["value"]]
    kind = ("timeseries-multi", "matrix") if "values" in row else ("numeric-multi", "vector")
    name = legend(query.get("legendFormat", ""), labels) or expr
    numbers = [None if value == "NaN" or value.endswith("Inf") else float(value) for _, value in samples]
    return {
        "schema": {"name": name, "refId": query["refId"],
                   "meta": {"type": kind[0], "typeVersion": [0, 1], "custom": {"resultType": kind[1]}},
                   "fields": [{"name": "Time", "type": "time", "typeInfo": {"frame": "time.Time"},
                               "config": {"interval": step * 1000}},
                              {"name": "Value", "type": "number", "typeInfo": {"frame": "float64"}, "labels": labels,
                               "config": {"displayNameFromDS": name}}]},
        "data": {"values": [[int(float(at) * 1000) for at, _ in samples], numbers]}}


def legend(template, labels):
    if template and template != "__auto":
        return re.sub(r"\{\{\s*(.+?)\s*\}\}", lambda found: labels.get(found[1], ""), template)
    pairs = ", ".join(f'{key}="{value}"' for key, value in sorted(labels.items()) if key != "__name__")
    return labels.get("__name__", "") + (f"{{{pairs}}}" if pairs else "")


def handler(front_end):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_GET(self):
            where = urllib.parse.urlsplit(self.path)
            asked = RESOURCES.match(where.path)
            if where.path.startswith("/public/"):
                self._file(where.path)
            elif asked:
                self._json(front_end.ask(asked[1], urllib.parse.parse_qs(where.query)))
            elif where.path.startswith("/api/dashboards/uid/"):
                self._json(front_end.dashboard(where.path.rsplit("/", 1)[1]))
            elif where.path.startswith("/apis/"):
                self._json({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []})
            elif where.path.startswith("/api/"):
                self._json([] if where.path.startswith(LISTS) else {})
            else:
                theme = "light" if "theme=light" in where.query else "dark"
                self._send(front_end.index(theme).encode(), "text/html; charset=utf-8")

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = urllib.parse.urlsplit(self.path).path
            asked = RESOURCES.match(path)
            if path == "/api/ds/query":
                self._json(front_end.answers(json.loads(body)))
            else:
                self._json(front_end.ask(asked[1], urllib.parse.parse_qs(body)) if asked else {})

        def _file(self, path):
            found = (front_end.public.parent / path.lstrip("/")).resolve()
            if not found.is_file():      # pictures are asked for beside the scripts
                found = Path(str(found).replace("/public/build/img", "/public/img"))
            if front_end.public in found.parents and found.is_file():
                self._send(found.read_bytes(), mimetypes.guess_type(found)[0] or "application/octet-stream")
            else:
                self._send(b"", "text/plain", 404)

        def _json(self, content):
            self._send(json.dumps(content).encode(), "application/json")

        def _send(self, content, kind, code=200):
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


@contextlib.contextmanager
def served(front_end, port=0):
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(front_end))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def main():
    parser = argparse.ArgumentParser(description="Serve Grafana's front end with these dashboards.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("prometheus")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dashboards", type=Path, default=queries.DASHBOARDS)
    arguments = parser.parse_args()
    with served(FrontEnd(arguments.folder, queries.load(arguments.dashboards), arguments.prometheus), arguments.port) as url:
        for uid in sorted(each["uid"] for each in queries.load(arguments.dashboards)):
            print(f"{url}/d/{uid}/x")
        threading.Event().wait()


if __name__ == "__main__":
    main()
