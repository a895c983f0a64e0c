"""The rules of alerts/, as checked in and as their generator makes them of other values."""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ALERTS = REPOSITORY / "alerts"
FILES = ("bedrock-quotas.yaml", "bedrock-exporter.yaml", "bedrock-recording.yaml")
# Every kind of value: ratios, whole numbers, durations, links, evaluation intervals.
OTHERS = {
    "links": {"runbooks": "https://git.example.org/runbooks", "grafana": "https://grafana.example.org"},
    "groups": {"throttling": "15s"},
    "throttling": {"ratio": 0.07, "throttled_seconds": 180, "attempts": 1000, "for": "2m", "keep_firing_for": "5m"},
    "many_models": {"ceiling": 0.55, "for": "1m"},
    "near_limit": {"ratio": 0.8, "above_seconds": 300, "for": "0s"},
    "saturated": {"hours": 6, "samples": 0.8},
    "quota_lowered": {"hours": 12},
    "shard_missing": {"settled": "20m"},
    "data_stale": {"seconds": 1800},
    "exporter": {"job": "quotas|.*bedrock.*"},
}


def shipped():
    return read(ALERTS)


def with_others():
    """As the generator makes them of OTHERS."""
    values = yaml.safe_load((ALERTS / "generate" / "values.yaml").read_text())
    for section, changes in OTHERS.items():
        values[section] |= changes
    with tempfile.TemporaryDirectory() as folder:
        mine = Path(folder, "mine.yaml")
        mine.write_text(yaml.safe_dump(values))
        subprocess.run([sys.executable, ALERTS / "generate", "--values", mine, "--out", folder], check=True)
        return read(Path(folder))


def read(folder):
    return by_name([group for name in FILES for group in yaml.safe_load((folder / name).read_text())["groups"]])


def by_name(groups):
    """Group → its interval and rules; `for: 0s` is the same as none."""
    plain = lambda rule: {key: value for key, value in rule.items() if (key, value) != ("for", "0s")}  # noqa: E731
    return {group["name"]: (group["interval"], [plain(rule) for rule in group["rules"]]) for group in groups}


def check(groups):
    """What promtool says against them; empty where nothing."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rules.yaml")
        file.write_text(yaml.safe_dump({"groups": groups}))
        done = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
    return done.stderr if done.returncode else ""
