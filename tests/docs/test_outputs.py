"""What the documents show as printed by the exporter is what it prints, numbers apart."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

import pages

sys.path.append(str(Path(__file__).resolve().parents[1] / "clients"))
import demo_exporter  # noqa: E402
import test_top as terminal  # noqa: E402

BINARY = os.environ.get("BQE_BINARY")
# A page has room for so many columns.
COLUMNS = "100"
# A number that stands alone, in any of the forms in which numbers are told: 5.96M, 1,234, <0.1 %, 2026-11-26, 17:42.
NUMBER = re.compile(r"(?<![\w.:-])<?\d[\d.,:-]*(?:[kMG]|[smhd](?!\w))?(?![\w-])")


def shown():
    """Every command that needs no account, in a `console` block, with the output that follows it, if any does."""
    for block in pages.blocks("console"):
        text = block.text.replace("\\\n", " ")
        for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            if re.match(r"bedrock-quota-exporter (explain --quotas data/|.*--demo)", command) and output.strip():
                yield str(block), command, output


def pattern(output):
    """What the real output has to match as a whole: the same words in the same order. `…` stands for any that were left out."""
    left_out = re.split(r"\s*…\s*", NUMBER.sub("0", output).strip())
    return r"\s.*".join(r"\s+".join(re.escape(word) for word in part.split()) for part in left_out)


def told(output):
    return NUMBER.sub("0", output).strip() + "\n"


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
class Outputs(unittest.TestCase):
    def test_tools_print_what_is_shown(self):
        found = [one for one in shown() if " top " not in one[1]]
        self.assertGreater(len(found), 6)
        for place, command, output in found:
            with self.subTest(place, command=command), tempfile.TemporaryDirectory() as folder:
                offline = command.startswith("bedrock-quota-exporter explain")
                done = subprocess.run(
                    [BINARY, *shlex.split(command)[1:]], cwd=pages.REPOSITORY if offline else folder,
                    env={**os.environ, "COLUMNS": COLUMNS}, capture_output=True, text=True, timeout=600,
                )  # fmt: skip
                self.assertIn(done.returncode, (0, 3), done.stderr)
                self.assertRegex(told(done.stdout), re.compile(r"\A" + pattern(output) + r"\s*\Z", re.S))

    def test_a_running_exporter_shows_what_is_shown(self):
        """The sample of /metrics, and the rows of `top`, wherever they stand at that moment."""
        readme = (pages.REPOSITORY / "README.md").read_text()
        samples = readme.split("## A sample of /metrics")[1].split("```\n")[1].splitlines()
        with demo_exporter.exporter() as url:
            text = urllib.request.urlopen(f"{url}/metrics", timeout=60).read().decode()
            series = {line.rsplit(" ", 1)[0] for line in text.splitlines()}
            for line in samples:
                with self.subTest(line):
                    self.assertIn(line.rsplit(" ", 1)[0], series)
            top = terminal.Top("--url", url, size=(80, 60))
            try:
                top.until_shown("THROTTLED NOW", "FULLEST QUOTAS", "enter minutes")
                rows = {row(line) for line in top.shown.splitlines()}
            finally:
                top.close()
        pages_of_top = [output for _, command, output in shown() if " top " in command]
        pages_of_top.append((pages.REPOSITORY / "docs" / "TOOLS.md").read_text().split("## `top`")[1].split("```\n")[2])
        for line in [line for page in pages_of_top for line in page.splitlines() if line.strip() not in ("", "…")]:
            with self.subTest(line):
                self.assertIn(row(line), rows)


def row(line):
    """A row of `top` but for its numbers, its bar, the mark of the chosen one, and whom it asks."""
    line = re.sub(r"[█▒·]+|demo: AWS is simulated|http://\S+", "", line).lstrip(">")
    return " ".join(NUMBER.sub("0", line).split())


if __name__ == "__main__":
    unittest.main()
