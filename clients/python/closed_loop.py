"""A naive and a quota-aware client, one after the other, on a simulated AWS with a tight quota.

    python clients/python/closed_loop.py target/debug/bedrock-quota-exporter

Calls come at ten times the rate that the quota allows, for some seconds, each from a thread of its own, and all must
succeed. The naive client is boto3 as it comes, asked again after a second. Prints what came of it as JSON.
"""

import argparse
import contextlib
import json
import subprocess
import threading
import time
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from bedrock_quota_client import Limits, QuotaClient

MODEL, REGION, ACCOUNT = "us.anthropic.claude-sonnet-4-20250514-v1:0", "us-east-1", "000000000000"
REQUESTS_QUOTA, TOKENS_QUOTA = "L-559DCC33", "L-59759B4A"
REQUESTS, TOKENS, BURNDOWN = 60, 60_000, 5
INPUT, OUTPUT, MAX_TOKENS, LATENCY_MS = 1000, 50, 400, 200
CHARGE = INPUT + OUTPUT * BURNDOWN
TIMES = 10


@contextlib.contextmanager
def simulated(binary):
    """The URL of a simulated AWS with this quota."""
    arguments = [binary, "sim", "--listen=127.0.0.1:0", "--log.format=json"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = next(f"http://{told['address']}" for told in map(fields, process.stderr) if "address" in told)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            quotas = {REQUESTS_QUOTA: REQUESTS, TOKENS_QUOTA: TOKENS}
            rows = [{"account": ACCOUNT, "region": REGION, "code": c, "value": v} for c, v in quotas.items()]
            put(f"{url}/_sim/quotas", rows)
            put(f"{url}/_sim/runtime", {"output_tokens": OUTPUT, "latency_ms": LATENCY_MS})
            yield url
        finally:
            process.terminate()


def fields(line):
    told = json.loads(line)
    return {**told, **told.get("fields", {})}


def put(url, body):
    headers = {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers, method="PUT")).close()


class Counter:
    """Answers of Bedrock by their status, every attempt that boto3 makes."""

    def __init__(self, client):
        self.refused, self.lock = 0, threading.Lock()
        client.meta.events.register("response-received.bedrock-runtime", self.count)

    def count(self, response_dict=None, **_):
        if response_dict and response_dict["status_code"] == 429:
            with self.lock:
                self.refused += 1


def runtime(url, **config):
    keys = {"aws_access_key_id": f"AKIA{ACCOUNT}TEST", "aws_secret_access_key": "simulated"}
    # Nothing is measured wrongly because a machine is slow.
    config = Config(max_pool_connections=64, read_timeout=600, **config)
    return boto3.client("bedrock-runtime", endpoint_url=url, region_name=REGION, config=config, **keys)


def naive(client):
    """Asks again and again."""

    def call(**request):
        while True:
            try:
                return client.converse(**request)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ThrottlingException":
                    raise
                time.sleep(1)

    return call


def measure(call, seconds):
    """Seconds until the last call has succeeded."""
    text = [{"role": "user", "content": [{"text": "a" * (INPUT * 4)}]}]
    request = {"modelId": MODEL, "messages": text, "inferenceConfig": {"maxTokens": MAX_TOKENS}}
    done, threads = [], []

    def one():
        call(**request)
        done.append(time.monotonic())

    start, pause = time.monotonic(), 60 * CHARGE / TOKENS / TIMES
    for number in range(calls(seconds)):
        time.sleep(max(0, start + number * pause - time.monotonic()))
        threads.append(threading.Thread(target=one))
        threads[-1].start()
    for thread in threads:
        thread.join()
    if len(done) != len(threads):
        raise RuntimeError(f"{len(threads) - len(done)} of {len(threads)} calls failed")
    return max(done) - start


def calls(seconds):
    return round(seconds * TIMES * TOKENS / 60 / CHARGE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("binary", help="the exporter, whose sub-command sim is used")
    parser.add_argument("--seconds", type=float, default=15, help="how long calls keep coming")
    given = parser.parse_args()
    told = {"calls": calls(given.seconds), "tokens_per_minute": TOKENS}
    # A full bucket, and then what it fills with.
    told["least_seconds"] = round((told["calls"] * CHARGE - TOKENS) * 60 / TOKENS + LATENCY_MS / 1000, 1)
    with simulated(given.binary) as url:
        client = runtime(url)
        counter = Counter(client)
        took = measure(naive(client), given.seconds)
        told["naive"] = {"seconds": round(took, 1), "refused": counter.refused}
    with simulated(given.binary) as url:
        client = runtime(url, retries={"total_max_attempts": 1})
        counter = Counter(client)
        limits = Limits(requests_per_minute=REQUESTS, tokens_per_minute=TOKENS, burndown=BURNDOWN)
        aware = QuotaClient(client, {MODEL: limits})
        took = measure(aware.converse, given.seconds)
        told["quota_aware"] = {"seconds": round(took, 1), "refused": counter.refused}
        statistics = aware.statistics
        told["statistics"] = {**vars(statistics), "success_rate": statistics.success_rate}
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
