"""No threshold can move without a promtool test that notices."""

import copy
import os
import shutil
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import shipped
from lint import seconds
from shipped import ALERTS, generate
from tools import run

# Nothing that decides whether an alert fires.
ELSEWHERE = {"links", "timing", "groups", "alertmanager", "exporter"}
# Where a tenth is too little to matter: a share of three accounts.
COARSE = {("region_blind", "share"): (0.45, 0.67)}
# The tests of slow groups evaluate every five minutes.
SLOW = {"saturated", "quota_lowered", "provisioned_commitment", "end_of_life", "increase_request", "targets_lost"}


def nearby(section, key, value):
    """A lower and a higher value."""
    if (section, key) in COARSE:
        return COARSE[section, key]
    if isinstance(value, str):
        step = 300 if section in SLOW else 60
        return [f"{s}s" for s in (seconds(value) - step, seconds(value) + step) if s >= 0]
    if key.endswith("_seconds"):
        return value - 60, value + 60
    if isinstance(value, int) and value > 1:
        return value - max(1, value // 10), value + max(1, value // 10)
    return value * 0.9, value * 1.1


def rules(values):
    return {
        rule["alert"]: rule
        for content in generate.rule_files(values).values()
        for group in content["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


class Mutations(unittest.TestCase):
    def test_every_threshold_is_held_by_a_test(self):
        mutants = list(mutations(shipped.values()))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for (title, changed, _), held in zip(mutants, pool.map(noticed, mutants)):
                with self.subTest(title):
                    self.assertTrue(changed, "no rule depends on it")
                    self.assertTrue(held, f"{changed} pass all tests")


def mutations(values):
    """Title, alerts that change, values."""
    original = rules(values)
    for section in sorted(values.keys() - ELSEWHERE):
        for key, value in values[section].items():
            for other in nearby(section, key, value):
                mutant = copy.deepcopy(values)
                mutant[section][key] = other
                changed = [name for name, rule in rules(mutant).items() if rule != original[name]]
                yield f"{section}.{key} = {other} instead of {value}", changed, mutant


def noticed(mutation):
    _, changed, values = mutation
    return any(fails(values, name) for name in changed)


def fails(values, name):
    with tempfile.TemporaryDirectory() as folder:
        alone = generate.render({"groups": [{"name": "alone", "rules": [rules(values)[name]]}]})
        for file in generate.FILES:
            Path(folder, file).write_text(alone)
        Path(folder, "tests").mkdir()
        test = shutil.copy(ALERTS / "tests" / f"{name}.yaml", Path(folder, "tests"))
        code, _ = run("promtool", "test", "rules", test)
        return code != 0


if __name__ == "__main__":
    unittest.main()
