"""Permissions: exactly those that the code asks for, in every form in which they are shipped."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import go_tools

REPOSITORY = Path(__file__).resolve().parents[2]
IAM = REPOSITORY / "deploy" / "iam"
sys.path.insert(0, str(IAM / "generate"))
import table  # noqa: E402

SERVICES = "account|bedrock|cloudwatch|oam|organizations|servicequotas"


def asked():
    """The actions that the code names where it calls AWS."""
    sources = "".join(path.read_text() for path in (REPOSITORY / "src" / "aws").rglob("*.rs"))
    return set(re.findall(rf'"((?:{SERVICES}):[A-Z]\w+)"', sources))


class Table(unittest.TestCase):
    def test_it_has_exactly_what_the_code_asks(self):
        self.assertEqual(set(table.actions(*table.FEATURES)), asked())

    def test_every_action_but_those_that_a_person_asks_for_only_reads(self):
        for action in asked() - set(table.actions("submit", "probe")):
            self.assertRegex(action, r":(List|Get)[A-Z]")

    def test_what_check_tries_is_what_is_needed(self):
        probes = (REPOSITORY / "src" / "aws" / "probe.rs").read_text()
        tried = set(re.findall(rf'= "((?:{SERVICES}):\w+)"', probes))
        # Tags are tried where the config needs them.
        self.assertEqual(set(table.actions(*table.READ, "tags")), tried)

    def test_the_readme_asks_for_the_same(self):
        policy = re.search(r"```json\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.S)[1]
        (statement,) = json.loads(policy)["Statement"]
        self.assertEqual(set(statement["Action"]), set(table.actions(*table.READ, "tags")))


class Files(unittest.TestCase):
    def test_they_are_as_generated(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "iam")
            shutil.copytree(IAM, copy)
            subprocess.run([sys.executable, copy / "generate"], check=True)
            for path in sorted(p for p in IAM.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
                with self.subTest(path.name):
                    made = (copy / path.relative_to(IAM)).read_text()
                    self.assertEqual(path.read_text(), made, "run python deploy/iam/generate")

    def test_every_policy_grants_its_feature(self):
        for name in table.FEATURES:
            (statement,) = json.loads((IAM / "policies" / f"{name}.json").read_text())["Statement"]
            self.assertEqual(statement["Action"], table.actions(name))
        self.assertEqual({p.stem for p in (IAM / "policies").glob("*.json")}, {*table.FEATURES, "read"})


class Releases(unittest.TestCase):
    def test_their_notes_are_headed_by_what_is_newly_asked(self):
        with tempfile.TemporaryDirectory() as folder:

            def git(*arguments):
                who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
                subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

            git("init", "--quiet")
            file = Path(folder, "deploy", "iam", "terraform", "actions.json")
            file.parent.mkdir(parents=True)
            for tag, actions in [("old", ["oam:ListSinks"]), ("new", ["oam:ListSinks", "bedrock:ListGuardrails"])]:
                file.write_text(json.dumps({"usage": actions}))
                git("add", ".")
                git("commit", "--quiet", "--message", tag)
                git("tag", tag)

            def told(*versions):
                command = [IAM / "new-actions", *versions]
                return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout

            self.assertIn("## New IAM permissions\n\n- `bedrock:ListGuardrails`\n\nAttach", told("old", "new"))
            self.assertEqual(told("new", "old"), "## New IAM permissions\n\nNone.\n\n")
            self.assertIn("- `bedrock:ListGuardrails`\n- `oam:ListSinks`\n", told("", "new"))


class CloudFormation(unittest.TestCase):
    TEMPLATE = IAM / "cloudformation" / "role.yaml"

    def test_its_own_rules_find_nothing(self):
        program = "import sys; from cfnlint.runner import main; sys.argv[0] = 'cfn-lint'; main()"
        done = subprocess.run([sys.executable, "-c", program, self.TEMPLATE], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_it_grants_what_a_watched_account_can_grant(self):
        watched = [name for name, feature in table.FEATURES.items() if feature.account == table.WATCHED]
        granted = re.findall(rf"- ((?:{SERVICES}):\w+)", self.TEMPLATE.read_text())
        self.assertEqual(sorted(granted), table.actions(*watched))


class Terraform(unittest.TestCase):
    MODULE = IAM / "terraform"

    def test_the_module_parses_and_is_formatted(self):
        """By Terraform's own parser; whether AWS's provider knows every argument only `terraform validate` tells."""
        command = [go_tools.need("hclfmt"), "-check", "-require-no-change", *sorted(self.MODULE.glob("*.tf"))]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_every_variable_is_declared_and_used(self):
        text = "".join(path.read_text() for path in self.MODULE.glob("*.tf"))
        declared = set(re.findall(r'^variable "(\w+)"', text, re.M))
        self.assertEqual(set(re.findall(r"\bvar\.(\w+)", text)), declared)

    def test_the_readme_sets_only_variables_that_there_are(self):
        declared = set(re.findall(r'^variable "(\w+)"', (self.MODULE / "variables.tf").read_text(), re.M))
        for module in re.findall(r"^module .*?^}", (IAM / "README.md").read_text(), re.M | re.S):
            self.assertLessEqual(set(re.findall(r"^  (\w+) +=", module, re.M)), declared | {"source"})


if __name__ == "__main__":
    unittest.main()
