"""What the exporter publishes, read from docs/METRICS.md."""

import re
from dataclasses import dataclass
from pathlib import Path

METRICS = Path(__file__).resolve().parents[1] / "docs" / "METRICS.md"

# Prometheus adds these to whatever it scrapes.
TARGET_LABELS = {"job", "instance"}


@dataclass
class Catalogue:
    labels: dict  # metric → its labels
    words: dict  # label → its values, where they are a closed set


def read(text=None):
    labels, words, common = {"up": TARGET_LABELS}, {}, set()
    for line in (text or METRICS.read_text()).splitlines():
        if line.startswith("## "):
            common = set()
        elif line.startswith("Labels of each:"):
            common = quoted(line)
        elif line.startswith("| `"):
            first, second, *more = line.strip("| ").split("|")
            name = quoted(first).pop()
            if second.strip() in ("gauge", "counter", "histogram"):
                labels[name] = common | quoted(more[0]) | TARGET_LABELS
            else:
                words[name] = quoted(second)
    return Catalogue(labels, words)


def quoted(text):
    return set(re.findall(r"`([^`]*)`", text))
