"""The alerts as they are checked in, and their generator."""

import sys
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ALERTS = REPOSITORY / "alerts"
RUNBOOKS = REPOSITORY / "docs" / "runbooks"

sys.path.insert(0, str(ALERTS / "generate"))
import generate  # noqa: E402


def values():
    return yaml.safe_load((generate.HERE / "values.yaml").read_text())


def rules(text):
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def all_rules():
    return [rule for name in generate.FILES for rule in rules((ALERTS / name).read_text())]


def tests():
    """Alert name → its promtool test file."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in (ALERTS / "tests").glob("Bedrock*.yaml")}


def runbooks():
    return {path.stem: path.read_text() for path in RUNBOOKS.glob("*.md")}
