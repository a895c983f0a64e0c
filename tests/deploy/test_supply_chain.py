"""Workflows and licences, as far as they can be judged without the network."""

import json
import re
import subprocess
import sys
import tomllib
import unittest
from pathlib import Path

import go_tools
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


class Workflows(unittest.TestCase):
    def test_actionlint_finds_nothing(self):
        done = subprocess.run([go_tools.need("actionlint"), *WORKFLOWS], capture_output=True, text=True, cwd=REPOSITORY)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_zizmor_finds_no_way_in(self):
        """Injected text, rights that are too wide, credentials that are left behind, updates that are too young."""
        zizmor = Path(sys.executable).with_name("zizmor")
        done = subprocess.run([zizmor, "--offline", "--quiet", "--no-progress", REPOSITORY / ".github"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(self):
        for path in WORKFLOWS:
            for line in re.findall(r"uses: .*", path.read_text()):
                with self.subTest(path.name):
                    self.assertRegex(line, r"^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")

    def test_one_action_has_one_version(self):
        pins = {}
        for path in WORKFLOWS:
            for name, commit in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", path.read_text()):
                self.assertEqual(pins.setdefault(name, commit), commit, name)

    def test_jobs_may_write_only_what_they_say(self):
        for path in WORKFLOWS:
            workflow = yaml.safe_load(path.read_text())
            self.assertEqual(workflow["permissions"], {"contents": "read"}, path.name)
            for name, job in workflow["jobs"].items():
                self.assertIn("timeout-minutes", job, name)


class Licences(unittest.TestCase):
    def test_every_crate_has_one_that_deny_toml_allows(self):
        allowed = set(tomllib.loads((REPOSITORY / "deny.toml").read_text())["licenses"]["allow"])
        command = ["cargo", "metadata", "--locked", "--format-version=1"]
        packages = json.loads(subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout)["packages"]
        refused = {f"{p['name']}: {p['license']}" for p in packages if not allows(allowed, p["license"] or "none told")}
        self.assertEqual(refused, set())

    def test_an_expression_is_read_as_spdx_reads_it(self):
        allowed = {"MIT", "ISC"}
        for expression, expected in [
            ("MIT", True), ("GPL-3.0", False), ("GPL-3.0 OR MIT", True), ("GPL-3.0/MIT", True), ("MIT AND GPL-3.0", False),
            ("ISC AND (GPL-3.0 OR MIT)", True), ("ISC AND (GPL-3.0 OR MPL-2.0)", False), ("none told", False),
        ]:
            self.assertEqual(allows(allowed, expression), expected, expression)


def allows(allowed, expression):
    """Whether a licence expression of SPDX, or the older form with a slash, can be met."""
    words = re.findall(r"[()]|[^()\s/]+|/", re.sub(r" WITH \S+", "", expression))
    known = {"AND": " and ", "OR": " or ", "/": " or ", "(": "(", ")": ")"}
    try:
        return bool(eval(" ".join(known.get(word, str(word in allowed)) for word in words), {"__builtins__": {}}))
    except SyntaxError:
        return False


if __name__ == "__main__":
    unittest.main()
