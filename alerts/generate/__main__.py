#!/usr/bin/env python3
"""Writes the rule files, the Alertmanager example and the tables of docs/ALERTS.md from values.yaml.

    python alerts/generate                                     what is checked in
    python alerts/generate --values mine.yaml --out mine       your own thresholds and links
    python alerts/generate --scale 0.1 --out quick             for tests: `for`, group intervals and
                                                               Alertmanager's waits shortened, nothing else
Needs PyYAML.
"""

import argparse
from pathlib import Path

import generate
import yaml


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=Path, default=generate.HERE / "values.yaml")
    parser.add_argument("--out", type=Path, default=generate.ALERTS, help="folder to write to; without it docs/ALERTS.md too")
    parser.add_argument("--scale", type=float, default=1, help="factor on `for`, group intervals, Alertmanager's waits")
    parser.add_argument("--pages", default=generate.URLS["pages"], help="webhook of pages in the Alertmanager example")
    parser.add_argument("--tickets", default=generate.URLS["tickets"], help="webhook of tickets")
    args = parser.parse_args()
    values = yaml.safe_load(args.values.read_text())
    generate.write(args.out, values, args.scale, {"pages": args.pages, "tickets": args.tickets})
    if args.out.resolve() == generate.ALERTS:
        generate.DOCS.write_text(generate.docs(generate.DOCS.read_text(), values))


if __name__ == "__main__":
    main()
