"""The Python client against the simulated bedrock-runtime: what it waits for, tries again, and books."""

import contextlib
import gc
import http.server
import json
import os
import sys
import threading
import time
import unittest
import urllib.error
import warnings
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BQE_BINARY", str(ROOT / "target/debug/bedrock-quota-exporter"))
sys.path.insert(0, str(ROOT / "clients/python"))

import bedrock_quota_client  # noqa: E402
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

    def test_a_stream_that_nobody_wants_costs_all_it_reserved(self):
        request = {"modelId": MODEL, "messages": MESSAGES, "inferenceConfig": {"maxTokens": 600}}

        def begun_and_left(stream):
            next(stream)
            stream.close()

        def left(stream):
            with stream:
                next(stream)

        def dropped(stream):
            # Of its connection, which boto3 leaves to the collector.
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                del stream
                gc.collect()

        for leave in (lambda stream: stream.close(), begun_and_left, left, dropped):
            with self.subTest(leave.__name__):
                client = self.client(tokens_per_minute=1000, tokens_per_day=100_000)
                leave(client.converse_stream(**request).pop("stream"))
                self.assertEqual((client.statistics.successes, client.statistics.failures), (0, 1))
                limiter = client._models[MODEL].limiter
                # Nothing is under way any more; the day has paid for 404 characters ("user" is a text) and max_tokens.
                self.assertEqual((limiter.reserved, limiter.day.spent), ({}, 135 + 600))
                self.assertLess(self.left(client), 1000 - 600)

    def test_a_stream_is_booked_once(self):
        client = self.client()
        with client.converse_stream(modelId=MODEL, messages=MESSAGES, inferenceConfig=SETTINGS)["stream"] as stream:
            self.assertIn("metadata", list(stream)[-1])
            self.assertEqual(list(stream), [])
        stream.close()
        self.assertEqual(list(stream), [])
        del stream
        gc.collect()
        self.assertEqual((client.statistics.successes, client.statistics.failures), (1, 0))

    def test_a_call_that_is_interrupted_costs_all_it_reserved(self):
        client = self.client()
        with mock.patch.object(self.runtime, "converse", side_effect=KeyboardInterrupt):
            with self.assertRaises(KeyboardInterrupt):
                self.converse(client)
        self.assertEqual((client._models[MODEL].limiter.reserved, client.statistics.failures), ({}, 1))

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

    def test_a_quota_of_0_is_named(self):
        for patience in (None, 0.2):
            with self.subTest(patience):
                client = self.client(patience, requests_per_minute=0)
                told = "^the quota is 0: requests_per_minute; no call will ever be admitted$"
                with self.assertRaisesRegex(DeadlineExceeded, told):
                    self.converse(client)

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

    def test_a_day_that_comes_with_later_limits_is_one_of_the_wall_clock(self):
        client = self.client(patience=0.2)
        client.set_limits(MODEL, Limits(tokens_per_day=300, used_today=300, used_today_at=time.time()))
        with self.assertRaises(DeadlineExceeded):
            self.converse(client)
        client.set_limits(TITAN, Limits(tokens_per_day=300, used_today=300, used_today_at=time.time() - 86_400))
        client.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "a" * 400}))


class LimitsThatAreAskedForAnew(unittest.TestCase):
    def test_while_nobody_answers_the_last_known_ones_hold_and_the_statistics_say_so(self):
        answers = []

        class Exporter(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = answers.pop(0)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def log_message(self, *_):
                pass

        known = Limits(requests_per_minute=7, burndown=5, share=0.5)
        item = {"account_id": "000000000000", "region": "us-east-1", "scope": "global", "quota": "requests_per_minute",
                "state": "ok", "safe_rate": {"value": 90}, "unknown": {}}  # fmt: skip
        whole = {"snapshot_at": 0, "items": [item], "unsettled": [], "unread": []}
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            client = QuotaClient(closed_loop.runtime("http://127.0.0.1:9", retries={"total_max_attempts": 1}), {MODEL: known})

            def refreshed(url, *answer):
                answers[:] = answer
                client.refresh_limits(MODEL, url)
                return client._models[MODEL].limits.requests_per_minute, client.statistics.stale.get(MODEL)

            url = f"http://127.0.0.1:{server.server_port}"
            detail = "the quotas were not read yet"
            limit, stale = refreshed(url, (503, {"detail": detail}))
            self.assertEqual((limit, stale), (7, f"HTTP Error 503: {detail}"))
            self.assertEqual(refreshed(url, (200, whole)), (90, None))
            self.assertEqual(client._models[MODEL].limits.share, 0.5, "what the API does not tell stays as it was")
            limit, stale = refreshed("http://127.0.0.1:9")
            self.assertEqual(limit, 90)
            self.assertIn("Connection refused", stale)
            for odd, told in (([], "the answer has no list items"), ({**whole, "items": [{}]}, "the answer has no 'scope'"),
                              ({**whole, "unread": None}, "the answer has no list unread")):  # fmt: skip
                limit, stale = refreshed(url, (200, odd))
                self.assertEqual(limit, 90)
                self.assertTrue(stale.startswith(told), stale)
            client.set_limits(MODEL, known)
            self.assertEqual(client.statistics.stale, {})
            server.shutdown()


class LimitsOfAnExporter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.url = cls.enterClassContext(demo_exporter.exporter())

    def limits(self, model_id, account, region, **more):
        """When that target has been read."""
        end = time.monotonic() + demo_exporter.PATIENCE
        while True:
            with contextlib.suppress(OSError):
                answer = bedrock_quota_client._in_time(
                    f"{self.url}/api/v1/headroom?model_id={model_id}&account={account}&region={region}"
                )
                if all(item["used"] is not None for item in answer["items"] if item["quota_code"]):
                    return limits_from(self.url, model_id, account=account, region=region, **more)
            self.assertLess(time.monotonic(), end, "the demo was not read")
            threading.Event().wait(0.2)

    def test_a_quota_that_does_not_exist_is_no_limit(self):
        limits = self.limits("global.anthropic.claude-opus-5", "production", "us-east-1")
        self.assertEqual((limits.requests_per_minute, limits.tokens_per_day), (None, None))
        self.assertGreater(limits.tokens_per_minute, 0)
        # Nobody has called this one.
        limits = self.limits("us.anthropic.claude-opus-5", "production", "us-west-2")
        self.assertEqual((limits.requests_per_minute, limits.tokens_per_day), (None, None))

    def test_a_day_that_is_spent_lets_nobody_in(self):
        model = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
        limits = self.limits(model, "research", "ap-northeast-1")
        # Of 20 M, or of the 18 M that are safe, more than 20 M are used.
        self.assertGreater(limits.used_today, limits.tokens_per_day)
        limiter = bedrock_quota_client.Limiter(limits)
        limiter.ask("a", 1)
        admitted, _, wake = limiter.step(limits.used_today_at)
        self.assertEqual((admitted, wake % 86_400), ([], 0))

    def test_provisioned_throughput_has_no_rate(self):
        arn = "arn:aws:bedrock:us-west-2:000000000000:provisioned-model/pt7k2m4x9qva"
        with self.assertRaisesRegex(ValueError, "they spend: model_units.*give Limits of your own"):
            self.limits(arn, "production", "us-west-2")

    def test_what_the_exporter_says_of_an_error_is_shown(self):
        self.limits(demo_exporter.SONNET, **demo_exporter.US_WEST_2)
        told = "404: no watched target has such a quota: .*nonsense"
        with self.assertRaisesRegex(urllib.error.HTTPError, told) as caught:
            limits_from(self.url, "nonsense.x", **demo_exporter.US_WEST_2)
        caught.exception.close()

    def test_they_are_its_safe_rates(self):
        limits = self.limits(demo_exporter.SONNET, burndown=5, **demo_exporter.US_WEST_2)
        with self.assertRaisesRegex(ValueError, "one account, region and scope"):
            limits_from(self.url, demo_exporter.SONNET)
        # The requests: 90 % of 10,000. The tokens: 90 % of where calls are refused, at 40 % of 6,000,000.
        self.assertEqual((limits.requests_per_minute, limits.burndown), (9000, 5))
        self.assertTrue(0.3 * 6e6 < limits.tokens_per_minute < 0.45 * 6e6, limits)


class AnExporterThatDrips(unittest.TestCase):
    def test_it_is_given_up_in_time(self):
        over = threading.Event()

        class Dripping(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                with contextlib.suppress(OSError):
                    # Far longer than patience, and yet no read lasts as long.
                    for _ in range(100):
                        self.wfile.write(b" ")
                        if over.wait(0.05):
                            break
                    self.wfile.write(b'{"snapshot_at": 0, "items": [], "unsettled": [], "unread": []}')

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                with mock.patch.object(bedrock_quota_client, "API_PATIENCE", 0.5):
                    host = f"127.0.0.1:{server.server_port}"
                    with self.assertRaisesRegex(TimeoutError, f"^{host} gave no whole answer within 0.5 s$"):
                        limits_from(f"http://{host}", MODEL)
            finally:
                over.set()
                server.shutdown()


if __name__ == "__main__":
    unittest.main()
