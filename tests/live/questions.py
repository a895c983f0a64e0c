"""What an engineer on call asks in the first minute, as the dashboards answer it."""

import queries

HAIKU = {"account": "000000000000", "region": "us-east-1", "model": "anthropic.claude-haiku-4-5-20251001-v1:0"}


def answers(server):
    """Question → what the panels say."""
    pages = {d["title"].split()[-1]: queries.Page(d, server) for d in queries.load()}
    overview, model = pages["overview"], pages["Model"]

    def ask(page, title, ref="A", **chosen):
        panel = next(p for p, _ in queries.panels(page.dashboard) if p["title"] == title)
        return page.ask(next(t for t in panel["targets"] if t["refId"] == ref), chosen)[1]

    throttled = ask(overview, "Throttled now")
    left = ask(overview, "Utilization ranking", "B")
    return {
        "share": value(ask(overview, "Throttled share")),
        "causes": {(r["metric"]["account_id"], r["metric"]["region"], r["metric"]["model"]): r["metric"]["cause"]
                   for r in throttled},
        "accounts": {r["metric"]["account_name"] for r in throttled},
        "spenders": {r["metric"].get("name") for r in ask(model, "Who spends it", **HAIKU)},
        "room": {(r["metric"]["account_id"], r["metric"]["region"], r["metric"]["scope"]): float(r["value"][1])
                 for r in ask(model, "Where is room", "B", **HAIKU)},
        "seconds left": {r["metric"]["model"]: float(r["value"][1]) for r in left},
        "age": value(ask(overview, "Data age")),
    }


def value(rows):
    return float(rows[0]["value"][1])
