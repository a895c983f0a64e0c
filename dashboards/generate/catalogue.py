"""What the exporter publishes, read from docs/METRICS.md."""

import re
from dataclasses import dataclass
from pathlib import Path

METRICS = Path(__file__).resolve().parents[2] / "docs" / "METRICS.md"

# Prometheus adds these to whatever it scrapes.
TARGET_LABELS = ("job", "instance")


@dataclass
class Catalogue:
    labels: dict  # metric → its own labels, in the page's order
    words: dict  # label → its values, where they are a closed set


def read(text=None):
    labels, words, common = {"up": ()}, {}, ()
    for line in (text or METRICS.read_text()).splitlines():
        if line.startswith("## "):
            common = ()
        elif line.startswith("Labels of each:"):
            common = quoted(line)
        elif line.startswith("| `"):
            first, second, *more = line.strip("| ").split("|")
            name, kind = quoted(first)[0], second.strip()
            if kind in ("gauge", "counter", "histogram"):
                labels[name] = common + quoted(more[0])
            else:
                words[name] = quoted(second)
            if kind == "histogram":
                labels[f"{name}_bucket"] = labels[name] + ("le",)
    return Catalogue(labels, words)


def quoted(text):
    return tuple(re.findall(r"`([^`]*)`", text))
