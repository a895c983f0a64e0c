"""Writes policies/, terraform/actions.json, cloudformation/role.yaml and the table of README.md from table.py.

    python deploy/iam/generate
"""

import json
import re
from pathlib import Path

import cloudformation
import table

HERE = Path(__file__).resolve().parents[1]


def files():
    """Path → text, all that is made."""
    made = {f"policies/{name}.json": pretty(table.policy(name)) for name in table.FEATURES}
    made["policies/read.json"] = pretty(table.policy(*table.READ))
    made["terraform/actions.json"] = pretty({name: feature.actions for name, feature in table.FEATURES.items()})
    made["cloudformation/role.yaml"] = cloudformation.text()
    made["README.md"] = readme((HERE / "README.md").read_text())
    return made


def pretty(content):
    return json.dumps(content, indent=2) + "\n"


def readme(text):
    rows = [
        f"| [{name}](policies/{name}.json) | {feature.config} | {feature.account} "
        f"| {', '.join(f'`{action}`' for action in feature.actions)} |"
        for name, feature in table.FEATURES.items()
    ]
    lines = ["| feature | needed with | in | actions |", "| --- | --- | --- | --- |", *rows]
    block = "\n".join(lines)
    made, found = re.subn(r"(<!-- features:[^>]*-->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{block}\n{m[2]}", text, flags=re.S)
    assert found == 1, "README.md: expected one block <!-- features: … --> … <!-- end -->"
    return made


def main():
    for name, text in files().items():
        (HERE / name).write_text(text)


if __name__ == "__main__":
    main()
