"""Writes dashboards/*.json and docs/DASHBOARDS.md.

    python dashboards/generate [--values alerts/values.yaml] [--out dashboards]
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import documentation  # noqa: E402
import frame  # noqa: E402
import capacity  # noqa: E402
import exporter  # noqa: E402
import model  # noqa: E402
import overview  # noqa: E402

BUILDERS = {"overview": overview, "model": model, "capacity": capacity, "exporter": exporter}


def files(values_path):
    """File name → text, for the four dashboards."""
    values = frame.Values(values_path)
    return {f"{values.uids[name]}.json": frame.render(module.build(values)) for name, module in BUILDERS.items()}


def main():
    parser = argparse.ArgumentParser(description="Write the dashboards from alerts/values.yaml.")
    parser.add_argument("--values", default=frame.REPOSITORY / "alerts" / "values.yaml", type=Path)
    parser.add_argument("--out", default=frame.REPOSITORY / "dashboards", type=Path)
    arguments = parser.parse_args()
    made = files(arguments.values)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (arguments.out / name).write_text(text)
    if arguments.out == frame.REPOSITORY / "dashboards":
        documentation.write(made)


if __name__ == "__main__":
    main()
