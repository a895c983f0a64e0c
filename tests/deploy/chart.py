"""The Helm chart, rendered."""

import functools
import subprocess
import sys
from pathlib import Path

import go_tools
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "deploy" / "helm" / "bedrock-quota-exporter"
CI = sorted((CHART / "ci").glob("*-values.yaml"))

sys.path.insert(0, str(CHART.parent / "generate"))


def helm(*arguments, values=None):
    """Exit code and what was said, without the remarks on symbolic links."""
    command = [go_tools.need("helm"), *map(str, arguments)]
    done = subprocess.run(
        [*command, *(["--values", "-"] if values is not None else [])],
        input=None if values is None else yaml.safe_dump(values),
        capture_output=True,
        text=True,
    )
    remarks = "\n".join(line for line in done.stderr.splitlines() if "symbolic link" not in line)
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout + remarks


@functools.cache
def of_file(path):
    """The objects that a file of values makes."""
    return objects(*helm("template", "test", CHART, "--values", path))


def of(**values):
    """The objects that these values make, by kind; of one kind the last."""
    return {one["kind"]: one for one in objects(*helm("template", "test", CHART, values=values))}


def objects(code, text):
    assert code == 0, text
    return [one for one in yaml.safe_load_all(text) if one]


def refusal(**values):
    """What helm says where it is to refuse."""
    code, text = helm("template", "test", CHART, values=values)
    assert code != 0, "was accepted"
    return text


def exporter(stateful_set):
    return stateful_set["spec"]["template"]["spec"]["containers"][0]
