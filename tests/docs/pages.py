"""The documents: their links, their blocks of code."""

import re
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "deploy/**/*.md", "mixin/*.md")
    for path in REPOSITORY.glob(pattern)
)


class Block(NamedTuple):
    page: str
    line: int
    # What stands behind the opening fence: the language, and of what kind a text in it is.
    language: str
    kind: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(*languages):
    """All blocks of code in these languages."""
    return [block for page in PAGES for block in of(page) if block.language in languages]


def of(page):
    text = page.read_text()
    for found in re.finditer(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", text, re.M | re.S):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(str(page.relative_to(REPOSITORY)), line, found[1], found[2] or "", found[3])


def commands():
    """Every command that a block shows, with the block; continued lines are joined."""
    for block in blocks("sh", "console"):
        text = block.text.replace("\\\n", " ")
        lines = text.splitlines()
        if block.language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        yield from ((block, line.split(" #")[0].strip()) for line in lines if line.strip())


def prose(page):
    """The text without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def anchors(page):
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()).strip().replace(" ", "-") for heading in headings}
