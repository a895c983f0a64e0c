"""What the documents show can be typed: blocks parse, commands know their flags, configs are taken, demos run."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import pages
import yaml

BINARY = os.environ.get("BQE_BINARY")
EXPORTER = r"(?:target/release/|/usr/bin/)?bedrock-quota-exporter"


def run(*command, **options):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, **options)


class Blocks(unittest.TestCase):
    def test_yaml_parses(self):
        found = pages.blocks("yaml")
        self.assertGreater(len(found), 10)
        for block in found:
            with self.subTest(str(block)):
                self.assertIsNotNone(list(yaml.safe_load_all(block.text)))

    def test_prometheus_takes_its_configs(self):
        found = [block for block in pages.blocks("yaml") if block.kind in ("prometheus", "agent")]
        self.assertGreater(len(found), 1)
        for block in found:
            with self.subTest(str(block)), tempfile.TemporaryDirectory() as folder:
                shutil.copytree(pages.REPOSITORY / "alerts", Path(folder, "alerts"))
                # A file of a password must be there for the check.
                Path(folder, "password").write_text("x")
                file = Path(folder, "prometheus.yml")
                file.write_text(block.text.replace("/etc/prometheus/password", f"{folder}/password"))
                checked = run("promtool", "check", "config", *(["--agent"] if block.kind == "agent" else []), file)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_promql_parses(self):
        found = pages.blocks("promql")
        self.assertGreater(len(found), 2)
        for block in found:
            with self.subTest(str(block)), tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "rules.yaml")
                rule = {"record": "documents:query", "expr": block.text}
                file.write_text(yaml.safe_dump({"groups": [{"name": "documents", "rules": [rule]}]}))
                checked = run("promtool", "check", "rules", file)
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_queries_in_tables_parse(self):
        page = (pages.REPOSITORY / "docs" / "MIGRATION.md").read_text()
        table = page.split("## Queries")[1].split("## ")[0]
        queries = [q for q in re.findall(r"`([^`]+)`", table)]
        self.assertGreater(len(queries), 5)
        rules = [{"record": f"documents:query{i}", "expr": query} for i, query in enumerate(queries)]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "rules.yaml")
            file.write_text(yaml.safe_dump({"groups": [{"name": "documents", "rules": rules}]}))
            checked = run("promtool", "check", "rules", file)
            self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_shell_parses(self):
        for block, command in pages.commands():
            with self.subTest(str(block), command=command):
                parsed = run("bash", "-n", "-c", command)
                self.assertEqual(parsed.returncode, 0, parsed.stderr)

    def test_make_knows_its_targets(self):
        targets = set(re.findall(r"^([a-z]+):", (pages.REPOSITORY / "Makefile").read_text(), re.M))
        named = {word for block, command in pages.commands() for word in re.findall(r"^make ([a-z]+)", command)}
        self.assertLessEqual(named, targets)
        self.assertTrue(named)

    def test_files_that_commands_name_are_there(self):
        for block, command in pages.commands():
            for path in re.findall(r"(?<![\w/.])((?:deploy|alerts|dashboards|data|docs|tests)/[\w./-]+)", command):
                with self.subTest(str(block), path=path):
                    self.assertTrue((pages.REPOSITORY / path).exists())


@unittest.skipUnless(BINARY, "BQE_BINARY is not set")
class Exporter(unittest.TestCase):
    def test_it_takes_the_configs_that_are_shown(self):
        found = [block for block in pages.blocks("yaml") if block.kind == "exporter"]
        self.assertGreater(len(found), 2)
        for block in found:
            with self.subTest(str(block)), tempfile.TemporaryDirectory() as folder:
                file = Path(folder, "config.yaml")
                file.write_text(block.text)
                checked = run(BINARY, "check", f"--config.file={file}")
                self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_it_knows_every_command_and_flag_that_is_shown(self):
        helps, count = {}, 0
        for block, command in pages.commands():
            for found in re.finditer(rf"(?:^|\s|\|)(?<!name )(?<!install ){EXPORTER} (.*)$", command):
                words = shlex.split(re.split(r"[|>&;]", found[1])[0])
                sub = words[0] if words else ""
                if sub.startswith("-") and sub != "--version" or not re.fullmatch(r"[a-z-]+", sub):
                    continue
                known = helps.setdefault(sub, self.help(sub, words))
                if known is None:
                    continue
                count += 1
                for flag in re.findall(r"(?<!\S)(--[\w.-]+)", " ".join(words[1:])):
                    with self.subTest(str(block), command=command, flag=flag):
                        self.assertRegex(known, rf"(?<![\w.-]){re.escape(flag)}(?![\w.-])")
        self.assertGreater(count, 15)

    def help(self, sub, words):
        if sub == "--version":
            return sub
        nested = [words[1]] if sub == "snapshot" else []
        told = run(BINARY, sub, *nested, "--help")
        # Helm and kubectl name things as the exporter is named.
        return told.stdout if told.returncode == 0 else None

    def test_demonstrations_run(self):
        """Everything with --demo, as it is shown; `top` wants a terminal, which tests/clients give it."""
        shown = {command for _, command in pages.commands() if re.match(rf"{EXPORTER} (?!top ).*--demo", command)}
        self.assertGreater(len(shown), 3)
        for command in sorted(shown):
            with self.subTest(command), tempfile.TemporaryDirectory() as folder:
                done = run(BINARY, *shlex.split(command)[1:], cwd=folder)
                # 3: something was found, which is what a demo is for.
                self.assertIn(done.returncode, (0, 3), done.stderr)

    def test_explanations_are_as_they_are_shown(self):
        """Offline, from the lists that are shipped."""
        shown = {command for _, command in pages.commands() if re.match(rf"{EXPORTER} explain --quotas data/", command)}
        self.assertTrue(shown)
        for command in shown:
            done = run(BINARY, *shlex.split(command)[1:], cwd=pages.REPOSITORY)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
