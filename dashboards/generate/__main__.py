"""Writes dashboards/*.json and docs/DASHBOARDS.md.

    python dashboards/generate [--values alerts/generate/values.yaml] [--out dashboards]
"""

import argparse
from pathlib import Path

import documentation
import frame
import output

DASHBOARDS = frame.REPOSITORY / "dashboards"


def main():
    parser = argparse.ArgumentParser(description="Write the dashboards, with the alerts' thresholds in them.")
    parser.add_argument("--values", default=frame.REPOSITORY / "alerts" / "generate" / "values.yaml", type=Path)
    parser.add_argument("--out", default=DASHBOARDS, type=Path, help="another directory: the docs stay as they are")
    arguments = parser.parse_args()
    made = output.files(arguments.values)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (arguments.out / name).write_text(text)
    if arguments.out.resolve() == DASHBOARDS:
        documentation.write(made)


if __name__ == "__main__":
    main()
