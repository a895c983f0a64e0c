#!/usr/bin/env python3
"""A real Prometheus and Alertmanager, with these rules, against a running exporter.

    python tests/alerts/live.py --metrics http://127.0.0.1:9090/metrics --seconds 600 --scale 0.1
    python tests/alerts/live.py --metrics … --backfill past.om --until BedrockThrottling,BedrockQuotaSaturated
    python tests/alerts/live.py --metrics … --began 1795312800 --until BedrockThrottling     the delay, unscaled

Prints JSON: every alert that was pending or firing, with its labels, annotations and times (seconds since the epoch):
`firing` (Prometheus), `notified` (the webhook got it, by receiver), `muted` (Alertmanager holds it back). With --began
also `delay`, from that time to the first notification, and the documented `budget`. --until ends the run as soon as each
of the named alerts was notified or muted (exit code 1 if that does not happen within --seconds). --expect is YAML, alert
name → list of labels: each must fire with such labels among its own, and nothing else may (exit code 1).

--scale shortens `for`, group intervals and Alertmanager's waits, never ranges, offsets or thresholds. Below 0.08 a ticket
may leave before its page mutes it: for some seconds after a (re)load Prometheus knows no Alertmanager. Hours of history
come from --backfill: OpenMetrics text, made into blocks by promtool before Prometheus starts. Prometheus takes a sample
for the present for five minutes, so let a value of the past that must not count now end earlier.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import servers
import shipped
import yaml
from shipped import generate
from tools import run


CONFIG = "prometheus.yaml"


def prometheus_config(metrics, alertmanager, scrape_seconds, rules):
    """`metrics`: where the instances of one job are scraped."""
    addresses = [urlsplit(each) for each in metrics]
    return {
        "global": {"scrape_interval": f"{scrape_seconds}s", "scrape_timeout": f"{min(scrape_seconds, 10)}s"},
        "rule_files": [str(path) for path in rules],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [urlsplit(alertmanager).netloc]}]}]},
        "scrape_configs": [
            {
                "job_name": "bedrock-quota-exporter",
                "scheme": addresses[0].scheme,
                "metrics_path": addresses[0].path,
                "static_configs": [{"targets": [address.netloc for address in addresses]}],
            }
        ]
        if addresses
        else [],
    }


@dataclass
class Stack:
    """Prometheus and Alertmanager with the rules, and what Alertmanager told."""

    prometheus: str
    alertmanager: str
    hook: servers.Webhook
    folder: Path
    scrape_seconds: int

    def scrape(self, metrics, rules=()):
        """What is scraped from now on, by which rules."""
        rules = [self.folder / name for name in rules]
        content = prometheus_config(metrics, self.alertmanager, self.scrape_seconds, rules)
        (self.folder / CONFIG).write_text(yaml.safe_dump(content))
        servers.post(f"{self.prometheus}/-/reload", {})


@contextlib.contextmanager
def stack(metrics, scale, scrape_seconds, backfill=None):
    """A running `Stack` that scrapes the instances `metrics`."""
    with tempfile.TemporaryDirectory() as folder, servers.Webhook() as hook, contextlib.ExitStack() as running:
        folder = Path(folder)
        urls = {"pages": f"{hook.url}/pages", "tickets": f"{hook.url}/tickets"}
        generate.write(folder, shipped.values(), scale, urls)
        if backfill:
            # One block: promtool reads the text once per block.
            command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=512h"]
            code, said = run(*command, backfill, folder / "tsdb")
            if code:
                sys.exit(f"promtool cannot read {backfill}: {said}")
        alertmanager = running.enter_context(servers.alertmanager(folder, folder / generate.EXAMPLE))
        (folder / CONFIG).write_text("{}")
        prometheus = running.enter_context(servers.prometheus(folder, folder / CONFIG))
        made = Stack(prometheus, alertmanager, hook, folder, scrape_seconds)
        made.scrape(metrics)
        what = f"Prometheus to scrape {metrics} and to find Alertmanager"
        servers.wait_until(lambda: is_connected(prometheus, len(metrics)), servers.PATIENCE, what)
        made.scrape(metrics, generate.FILES)
        yield made


def is_connected(prometheus, instances):
    """Rules that are loaded earlier would see an absent exporter, and lose their first alerts."""
    targets = servers.get(f"{prometheus}/api/v1/targets")["data"]["activeTargets"]
    managers = servers.get(f"{prometheus}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    return managers and len(targets) == instances and all(target["health"] == "up" for target in targets)


class Watch:
    """What was seen of each alert, by its labels."""

    def __init__(self):
        self.alerts = {}

    def of(self, labels):
        key = tuple(sorted(labels.items()))
        return self.alerts.setdefault(
            key, {"alert": labels["alertname"], "labels": labels, "notified": {}, "muted": None}
        )

    def look(self, stack):
        now = time.time()
        for alert in servers.get(f"{stack.prometheus}/api/v1/alerts")["data"]["alerts"]:
            seen = self.of(alert["labels"])
            seen.setdefault(alert["state"], now)
            seen["annotations"], seen["value"] = alert["annotations"], alert["value"]
        for alert in servers.get(f"{stack.alertmanager}/api/v2/alerts"):
            if alert["status"]["inhibitedBy"]:
                seen = self.of(alert["labels"])
                seen["muted"] = seen["muted"] or now
        for at, path, content in stack.hook.all():
            for alert in content["alerts"]:
                if alert["status"] == "firing":
                    self.of(alert["labels"])["notified"].setdefault(path.strip("/"), at)

    def dealt_with(self):
        return {seen["alert"] for seen in self.alerts.values() if seen["notified"] or seen["muted"]}

    def report(self, began=None):
        for seen in self.alerts.values():
            if began and seen["notified"]:
                seen["delay"] = min(seen["notified"].values()) - began
        return sorted(self.alerts.values(), key=lambda seen: (seen["alert"], sorted(seen["labels"].items())))


def differences(alerts, expected):
    """What should have fired and did not, and what fired unasked, in words."""
    fired = [(alert["alert"], alert["labels"]) for alert in alerts if "firing" in alert]
    asked = [(name, labels) for name, situations in expected.items() for labels in situations]

    def match(fire, ask):
        return fire[0] == ask[0] and ask[1].items() <= fire[1].items()

    return [
        f"did not fire: {name} {labels}" for name, labels in asked if not any(match(f, (name, labels)) for f in fired)
    ] + [
        f"fired unasked: {name} {labels}" for name, labels in fired if not any(match((name, labels), a) for a in asked)
    ]


def watch(metrics, *, seconds, scale=1, scrape_seconds=None, backfill=None, until=()):
    scrape_seconds = scrape_seconds or shipped.values()["timing"]["scrape_seconds"]
    seen, end = Watch(), time.monotonic() + seconds
    with stack([metrics], scale, scrape_seconds, backfill) as made:

        def done():
            seen.look(made)
            return bool(until) and set(until) <= seen.dealt_with()

        with contextlib.suppress(TimeoutError):
            servers.wait_until(done, end - time.monotonic(), "the alerts")
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metrics", required=True, help="the exporter's address, with /metrics")
    parser.add_argument("--seconds", type=float, default=600, help="how long to watch, at most")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument(
        "--scrape-seconds", type=int, help="Prometheus's scrape interval; that of values.yaml if not given"
    )
    parser.add_argument("--backfill", type=Path)
    parser.add_argument("--until", type=lambda text: text.split(","), default=[])
    parser.add_argument("--expect", type=Path)
    parser.add_argument("--began", type=float, help="when the storm's first call was refused")
    args = parser.parse_args()
    seen = watch(
        args.metrics,
        seconds=args.seconds,
        scale=args.scale,
        scrape_seconds=args.scrape_seconds,
        backfill=args.backfill,
        until=args.until,
    )
    print(
        json.dumps(
            {"alerts": seen.report(args.began), "budget": sum(generate.delay(shipped.values()).values())}, indent=2
        )
    )
    wrong = [f"not seen within {args.seconds:g} s: {name}" for name in sorted(set(args.until) - seen.dealt_with())]
    if args.expect:
        wrong += differences(seen.report(), yaml.safe_load(args.expect.read_text()))
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
