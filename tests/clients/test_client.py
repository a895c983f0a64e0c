"""The Python client against the simulated bedrock-runtime: what it waits for, tries again, and books."""

import json
import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
sys.path.insert(0, str(ROOT / "clients/python"))

import closed_loop  # noqa: E402
import demo_exporter  # noqa: E402
from bedrock_quota_client import DeadlineExceeded, Limits, QuotaClient, limits_from  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from closed_loop import MODEL  # noqa: E402

MESSAGES = [{"role": "user", "content": [{"text": "a" * 400}]}]
SETTINGS = {"maxTokens": 100}
TITAN = "amazon.titan-embed-text-v2:0"


class TheClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.url = cls.enterClassContext(closed_loop.simulated(BINARY))
        closed_loop.put(f"{cls.url}/_sim/runtime", {"output_tokens": 50, "latency_ms": 0})
        cls.runtime = closed_loop.runtime(cls.url, retries={"total_max_attempts": 1})

    def setUp(self):
        self.faults()

    def faults(self, *faults):
        closed_loop.put(f"{self.url}/_sim/faults", [{"service": "bedrock-runtime", **fault} for fault in faults])

    def client(self, patience=None, **limits):
        limits = {"requests_per_minute": 1000, "tokens_per_minute": 10_000, "burndown": 5, **limits}
        return QuotaClient(self.runtime, {MODEL: Limits(**limits), TITAN: Limits(**limits)}, patience, chance=lambda: 0)

    def left(self, client, model=MODEL):
        return client._models[model].limiter.tokens.level

    def converse(self, client, **more):
        return client.converse(modelId=MODEL, messages=MESSAGES, inferenceConfig=SETTINGS, **more)

    def test_a_call_costs_what_it_used(self):
        client = self.client()
        self.assertEqual(self.converse(client)["usage"]["outputTokens"], 50)
        # 100 of input and 5 x 50 of output; what fills meanwhile is less than a minute's 10,000.
        self.assertTrue(10_000 - 350 <= self.left(client) < 10_000)
        self.assertEqual((client.statistics.successes, client.statistics.success_rate), (1, 1.0))

    def test_a_stream_costs_what_it_used_and_one_that_breaks_all_it_reserved(self):
        client = self.client(tokens_per_minute=1000)
        request = {"modelId": MODEL, "messages": MESSAGES, "inferenceConfig": {"maxTokens": 600}}
        events = list(client.converse_stream(**request)["stream"])
        self.assertIn("metadata", events[-1])
        self.assertGreaterEqual(self.left(client), 1000 - 350)
        client = self.client(tokens_per_minute=1000)
        self.faults({"kind": "stream_cut", "after": 1})
        with self.assertRaises(Exception):
            list(client.converse_stream(**request)["stream"])
        self.assertLess(self.left(client), 1000 - 600)
        self.assertEqual(client.statistics.failures, 1)

    def test_bodies_of_invoke_model_are_read_and_handed_on(self):
        client = self.client()
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100, "messages": MESSAGES}
        body["messages"] = [{"role": "user", "content": "a" * 400}]
        answer = client.invoke_model(modelId=MODEL, body=json.dumps(body))
        self.assertEqual(json.loads(answer["body"].read())["usage"]["input_tokens"], 100)
        self.assertGreaterEqual(self.left(client), 10_000 - 350)
        answer = client.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "a" * 400}))
        self.assertTrue(json.loads(answer["body"].read())["embedding"])
        self.assertGreaterEqual(self.left(client, TITAN), 10_000 - 101)

    def test_what_passes_is_tried_again_and_what_does_not_is_not(self):
        for fault, retried in (({"kind": "status", "status": 503}, True), ({"kind": "overloaded"}, True),
                               ({"kind": "status", "status": 429}, True), ({"kind": "status", "status": 400}, False)):
            with self.subTest(fault):
                self.faults(fault)
                client = self.client(patience=0.2)
                client._chance = lambda: 0.1
                with self.assertRaises((ClientError, DeadlineExceeded)):
                    self.converse(client)
                self.assertEqual(client.statistics.retries > 0, retried, client.statistics)

    def test_retry_after_is_honoured(self):
        self.faults({"kind": "overloaded", "retry_after": 30})
        client = self.client(patience=5)
        with self.assertRaises(ClientError):
            self.converse(client)
        self.assertEqual(client.statistics.retries, 0, "the next attempt would come after the deadline")

    def test_who_has_no_time_does_not_wait(self):
        client = self.client(patience=0.2, tokens_per_minute=200)
        self.converse(client)
        with self.assertRaises(DeadlineExceeded):
            self.converse(client)
        self.assertEqual((client.statistics.successes, client.statistics.failures), (1, 1))

    def test_what_would_go_unguarded_is_refused(self):
        client = self.client()
        with self.assertRaisesRegex(ValueError, "no max_tokens"):
            client.converse(modelId=MODEL, messages=MESSAGES)
        with self.assertRaisesRegex(ValueError, "no limits were given for other"):
            client.converse(modelId="other", messages=MESSAGES)
        with self.assertRaises(NotImplementedError):
            client.invoke_model_with_response_stream(modelId=MODEL, body="{}")
        with self.assertRaisesRegex(ValueError, "retries by itself"):
            QuotaClient(closed_loop.runtime(self.url), {})

    def test_tokens_of_the_day_are_kept_to_by_the_wall_clock(self):
        client = self.client(patience=0.2, tokens_per_day=300)
        self.converse(client)
        # 350 of 300 are spent; until midnight it is longer than anybody waits here.
        with self.assertRaises(DeadlineExceeded):
            self.converse(client)


class LimitsOfAnExporter(unittest.TestCase):
    def test_they_are_its_safe_rates(self):
        with demo_exporter.exporter() as url:
            limits = limits_from(url, demo_exporter.SONNET, burndown=5, **demo_exporter.US_WEST_2)
            with self.assertRaisesRegex(ValueError, "one account, region and scope"):
                limits_from(url, demo_exporter.SONNET)
        # The requests: 90 % of 10,000. The tokens: 90 % of where calls are refused, at 40 % of 6,000,000.
        self.assertEqual((limits.requests_per_minute, limits.burndown), (9000, 5))
        self.assertTrue(0.3 * 6e6 < limits.tokens_per_minute < 0.45 * 6e6, limits)


if __name__ == "__main__":
    unittest.main()
