"""The table of the chart's README: every key of values.yaml, its default, and the comment above it."""

import json
import re

import yaml


def text(chart):
    """The README with its table made anew."""
    table = "\n".join(["| key | default | meaning |", "| --- | --- | --- |", *rows((chart / "values.yaml").read_text())])
    made, found = re.subn(
        r"(<!-- values:[^>]*-->\n).*?(<!-- end -->)",
        lambda m: f"{m[1]}{table}\n{m[2]}",
        (chart / "README.md").read_text(),
        flags=re.S,
    )
    assert found == 1, "README.md: expected one block <!-- values: … --> … <!-- end -->"
    return made


def rows(values):
    lines = values.splitlines()
    for path, default, line in leaves(yaml.compose(values), ()):
        shown = json.dumps(default, ensure_ascii=False).replace("|", "\\|")
        yield f"| `{'.'.join(path)}` | `{shown}` | {comment(lines, line)} |"


def leaves(node, path):
    """Path, default and line of each key; what stands on one line is one value."""
    for key, value in node.value:
        at = (*path, key.value)
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            yield from leaves(value, at)
        else:
            yield at, yaml.safe_load(yaml.serialize(value)), key.start_mark.line


def comment(lines, line):
    """What the lines right above say, as one."""
    above = []
    while line > 0 and (found := re.match(r"\s*# ?(.*)", lines[line - 1])):
        above.insert(0, found[1])
        line -= 1
    return " ".join(above).replace("|", "\\|")
