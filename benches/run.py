"""Runs the benchmarks and writes what they print into docs/PERFORMANCE.md, each below the comment that names its command.

    python benches/run.py [WORD ...]        or: make bench

With words, only those whose command holds one of them. A benchmark that fails leaves its figures as they were.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
# A comment with the command, and the block of text that it printed.
PRINTED = re.compile(r"<!-- printed by: (?P<command>[^\n]+) -->\n\n```text\n(?P<text>.*?)```\n", re.DOTALL)
# As criterion says it in its short form.
CRITERION = re.compile(r"test (?P<name>.+?) \.\.\. bench: +(?P<nanoseconds>[\d,]+) ns/iter \(\+/- (?P<spread>[\d,]+)\)")


def readable(printed):
    """Criterion's lines as a table; anything else as it is."""
    rows = [CRITERION.fullmatch(line) for line in printed.splitlines() if line.startswith("test ")]
    if not rows or None in rows:
        return printed
    return "".join(f"{row['name']:<70}{duration(row['nanoseconds']):>10} ± {duration(row['spread'])}\n" for row in rows)


def duration(nanoseconds):
    value = float(nanoseconds.replace(",", ""))
    for unit in ("ns", "µs", "ms"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} s"


def main():
    words, failed = sys.argv[1:], False
    document = DOCUMENT.read_text()
    for found in list(PRINTED.finditer(document)):
        command = found["command"]
        if words and not any(word in command for word in words):
            continue
        print(f"{command}", flush=True)
        done = subprocess.run(command, shell=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            print(f"  ended with {done.returncode}: its figures stay as they were", file=sys.stderr)
            failed = True
            continue
        text = readable(done.stdout)
        print(text, flush=True)
        document = document.replace(found[0], f"<!-- printed by: {command} -->\n\n```text\n{text}```\n")
        DOCUMENT.write_text(document)
    sys.exit(failed)


if __name__ == "__main__":
    main()
