"""The tables of docs/DASHBOARDS.md, from the panels' own descriptions."""

import json

import frame

PAGE = frame.REPOSITORY / "docs" / "DASHBOARDS.md"
BEGIN, END = "<!-- panels: written by dashboards/generate -->", "<!-- end of panels -->"


def panels(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def section(dashboard):
    lines = [f"### {dashboard['title']}", "", dashboard["description"], "",
             "| panel | question | what to do |", "|---|---|---|"]
    for panel in panels(dashboard):
        if panel["type"] == "row":
            repeated = f", one per {panel['repeat']}" if "repeat" in panel else ""
            lines.append(f"| *row {panel['title']}{repeated}* | | |")
            continue
        question, _, action = panel["description"].split("\n\n")
        lines.append(f"| {panel['title']} | {question} | {action.removeprefix('**What to do:** ')} |")
    return "\n".join(lines) + "\n"


def page(text, made):
    """The page with its tables replaced."""
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    sections = "\n".join(section(json.loads(each)) for each in made.values())
    return f"{before}{BEGIN}\n\n{sections}\n{END}{after}"


def write(made):
    PAGE.write_text(page(PAGE.read_text(), made))
