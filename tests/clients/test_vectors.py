"""The Python client's limiter, estimator, charges and retries against tests/vectors, which the Rust crate shares."""

import json
import re
import sys
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "clients/python"))

from bedrock_quota_client import Estimator, Limiter, Limits, QuotaClient, backoff, limits_of, may_retry  # noqa: E402


def vectors(name):
    return json.loads((ROOT / "tests/vectors" / name).read_text())


class TheLimiter(unittest.TestCase):
    def test_every_vector(self):
        for vector in vectors("limiter.json"):
            limiter = Limiter(Limits(**vector["limits"]))
            for number, step in enumerate(vector["steps"]):
                with self.subTest(vector["name"], step=number):
                    self.take(limiter, step)

    def take(self, limiter, step):
        at, (what, told) = step["at"], next(pair for pair in step.items() if pair[0] != "at")
        if what == "ask":
            limiter.ask(told, step["tokens"], step.get("deadline"))
        elif what == "settle":
            limiter.settle(at, told, step["used"])
        elif what == "refused":
            limiter.refused(at, told)
        elif what == "hold":
            limiter.hold(told)
        elif what == "leave":
            limiter.leave(told)
        elif what == "resize":
            limiter.resize(at, Limits(**told))
        elif what == "step":
            admitted, expired, wake = limiter.step(at)
            self.assertEqual((admitted, expired), (told["admitted"], told["expired"]))
            self.assertEqual(wake is None, told["wake"] is None, wake)
            self.assertAlmostEqual(wake or 0, told["wake"] or 0, 4)
        elif what == "left":
            limiter.step(at)
            for bucket, level in told.items():
                self.assertAlmostEqual(getattr(limiter, bucket).level, level, 4)
        else:
            self.fail(f"no such step: {what}")


class TheRest(unittest.TestCase):
    def test_what_a_call_costs(self):
        for vector in vectors("charges.json")["charge"]:
            limits = Limits(burndown=vector["burndown"])
            self.assertEqual(limits.charge(vector["usage"]), vector["expect"], vector)

    def test_what_a_text_is_taken_for(self):
        for vector in vectors("charges.json")["estimate"]:
            estimator = Estimator()
            for characters, tokens in vector["learn"]:
                estimator.learn(characters, tokens)
            self.assertEqual(estimator.tokens(vector["characters"]), vector["expect"], vector["name"])

    def test_what_is_tried_again_and_when(self):
        told = vectors("retries.json")
        for vector in told["may_retry"]:
            allowed = may_retry(vector["status"], vector["code"], vector["attempts"])
            self.assertEqual(allowed, vector["expect"], vector)
        for vector in told["backoff"]:
            pause = backoff(vector["retries"], vector["chance"], vector["retry_after"])
            self.assertAlmostEqual(pause, vector["expect"], 6, vector)

    def test_limits_of_an_exporters_answer(self):
        for vector in vectors("headroom.json"):
            with self.subTest(vector["name"]):
                more = {"burndown": 5, "used_today": vector.get("used_today")}
                if "refused" in vector:
                    with self.assertRaisesRegex(ValueError, f"^{re.escape(vector['refused'])}"):
                        limits_of(vector["answer"], **more)
                else:
                    self.assertEqual(limits_of(vector["answer"], **more), Limits(burndown=5, **vector["expect"]))

    def test_what_an_answer_does_not_tell_leaves_the_last_known_limits(self):
        known = Limits(requests_per_minute=7, tokens_per_minute=500, burndown=5, share=0.5)
        client = mock.Mock()
        client.meta.config.retries = {"total_max_attempts": 1}
        for vector in vectors("headroom.json"):
            with self.subTest(vector["name"]), mock.patch("bedrock_quota_client._in_time", return_value=vector["answer"]):
                quotas = QuotaClient(client, {"a": known})
                told = {"used_today": vector["used_today"]} if "used_today" in vector else {}
                quotas.refresh_limits("a", "http://localhost", **told)
                stale, limits = quotas.statistics.stale, quotas._models["a"].limits
                if "refused" in vector:
                    self.assertEqual((list(stale), limits), (["a"], known))
                    self.assertTrue(stale["a"].startswith(vector["refused"]), stale)
                else:
                    self.assertEqual((stale, limits), ({}, Limits(burndown=5, share=0.5, **vector["expect"])))

    def test_bad_limits_are_refused(self):
        for bad in ({"requests_per_minute": -1}, {"tokens_per_minute": float("nan")}, {"share": 0}, {"share": 1.1},
                    {"burndown": 0}, {"used_today": -1}):
            with self.subTest(bad), self.assertRaisesRegex(ValueError, next(iter(bad))):
                Limits(**bad)


if __name__ == "__main__":
    unittest.main()
